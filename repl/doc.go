// Package repl is the read-eval-print loop of the daemon: over a socket, where JSON is its printer, and at a terminal.
//
// Server hands each admitted [Request] to an [Eval] and sends back its [Reply]; Client asks such a server; Terminal talks
// to a person and asks through a Client. What a form means is the business of whoever supplies Eval: this package knows
// neither verbs nor processes. PROTOCOL.md is the wire's manual, admit.go the rule of who may ask.
//
// # Where to begin
//
// wire.go has what crosses the socket; server.go takes a request from admit.go to eval.go and stream.go; client.go is the other end;
// terminal.go is the prompt.
//
// May import: lisp.
package repl
