package lisp

// counted is always true. It is a constant of its own, in a file of its own, so that a benchmark can compile the package
// without the accounting of steps and memory and show what it costs; the product has no way to switch it off.
const counted = true
