package config

import (
	"reflect"
	"testing"
)

func TestDotenvFiles(t *testing.T) {
	env, problems := parseEnv("f", "\ufeff# comment\n\nA=1\n  B = two words  # comment\nexport C=#x\nexport=plain\nD='a # $X \\n'\nE=\"a\\n\\\"b\\\" \\$X \\q\" # c\r\nF=\nG=a#b\nH=\"line one\nline two\"\nI='x\n\ny'\nA=2\nJ=a=b\r\n")
	want := map[string]string{"A": "2", "B": "two words", "C": "", "export": "plain", "D": "a # $X \\n", "E": "a\n\"b\" $X \\q", "F": "", "G": "a#b",
		"H": "line one\nline two", "I": "x\n\ny", "J": "a=b"}
	if !reflect.DeepEqual(env, want) || len(problems) != 0 {
		t.Errorf("got %q %v", env, problems)
	}
	_, problems = parseEnv("f", "A='x\ny'\nnothing\nB C=1\n=2\nD=\"x\" y\nE='open\nF=1\n")
	got := []string{}
	for _, p := range problems {
		got = append(got, p.String())
	}
	wantP := []string{"f:3:1: want KEY=VALUE", "f:4:1: what stands before = cannot be the name of a variable", "f:5:1: what stands before = cannot be the name of a variable",
		"f:6:1: D: text after the closing quote", "f:7:1: E: the quote is not closed"}
	if !reflect.DeepEqual(got, wantP) {
		t.Errorf("got %q", got)
	}
}
