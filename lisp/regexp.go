package lisp

import "regexp"

// pattern is a compiled regular expression.
type pattern struct{ re *regexp.Regexp }

func (*pattern) kind() Kind { return KindRegexp }
