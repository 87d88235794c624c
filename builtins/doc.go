// Package builtins introduces the language to the supervisor: the verbs, who may use them, and the engine that evaluates.
//
// A [Verb] is one operation with its name, its arguments, its documentation and its [Power]; [Verbs] is the one ordered
// table of them. The functions of the environment, the policy, (help), (doc ...), completion and REFERENCE.md are views
// of that table.
//
// An [Engine] takes a [Job] (a text and who sent it) and answers with a [Result]. A text that [Recognise] understands,
// one or more plain calls of verbs with literals, goes straight through the table: no evaluator, no environment, no
// queue. Everything else is a program; it is evaluated on a thread of its own with budgets, in a scope of its own or of
// its session, over a base that all evaluations share and none can change. Under [Policy].DisableRCE only the first
// path exists, and only for verbs that observe and operate.
//
// # Concurrency
//
// An Engine may be used from any number of goroutines. Plain calls never wait for programs. Of programs, 4 run at the
// same time and 32 more wait for their turn; one that waits in a verb gives its turn to others meanwhile. The programs
// of one session run one after the other.
//
// # Hooks
//
// Programs register functions by the verbs on, every and after. One goroutine, [Engine.RunHooks], calls them one after the
// other, each call on a thread of its own with budgets of its own; it has a cursor on the journal, and timers. Nobody waits for
// it. An init script is evaluated by [Engine.EvalScript] whoever asks, in a scope that nobody else has yet, and its hooks count
// all at once by [Engine.UseScript]; so a broken one has changed nothing, and a hook may ask for the reload that replaces it. The
// verbs that operate on processes answer a hook within a second, if need be with a ticket.
//
// # Audit
//
// Every plain call that changes something, every such call inside a program, every program and every refusal is a line
// of JSON in the audit log: one before the effect (phase "begin") and one after ("end"), or a single one for a refusal.
// Arguments are there with their secrets masked; of a program there is the hash of the text, not the text.
//
// # Where to begin
//
// verb.go is the table of what can be asked; observe.go and operate.go have most of its functions, table.go what the daemon lends
// them. engine.go takes a form, recognise.go tells plain calls from programs, evaluation.go runs it. The modules of programs (os,
// io, http, time) begin in host_module.go.
//
// May import: builtins/metrics, core, core/child, core/logs, lisp.
package builtins
