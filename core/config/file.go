package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

const (
	maxFile     = 16 << 20 // bytes; five thousand services are one or two million
	maxBrackets = 200_000  // the library's parser takes a stack frame for each that is open
	maxNames    = 64 << 20 // bytes; the library keeps each key as a text with the names of all tables around it
)

// readFile reads the whole configuration. A file that is being written while it is read is read again, so that no half of
// an edit is taken for the whole.
func readFile(path string) (string, error) {
	for try := 0; ; try++ {
		text, steady, err := readOnce(path)
		if err != nil || steady {
			return text, err
		}
		if try == 4 {
			return "", fmt.Errorf("it is being written")
		}
	}
}

func readOnce(path string) (text string, steady bool, err error) {
	f, err := openRegular(path)
	if err != nil {
		return "", false, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", false, err
	}
	after, err := f.Stat()
	if err != nil {
		return "", false, err
	}
	switch {
	case len(data) > maxFile:
		return "", false, fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	case len(data) >= 2 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff):
		return "", false, fmt.Errorf("it is UTF-16: save it as UTF-8")
	}
	text = strings.TrimPrefix(string(data), "\ufeff")
	if !utf8.ValidString(text) {
		return "", false, fmt.Errorf("it is not UTF-8 (line %d)", badLine(text))
	}
	steady = before.Size() == after.Size() && before.ModTime().Equal(after.ModTime()) && int64(len(data)) == after.Size()
	return text, steady, nil
}

// badLine is the line of the first byte that is no UTF-8.
func badLine(text string) int {
	line := 1
	for i, r := range text {
		if r == '\n' {
			line++
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(text[i:]); n == 1 {
				break
			}
		}
	}
	return line
}

// reason is an error without the path that its message has already named.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

var inQuotes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("\"(?:\\\\.|[^\"\\\\])*\"|'[^']*'|`[^`]*`") })

var longNumber = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9][0-9_]{4,}`) })

// discreet takes out of a syntax error what it quotes of the file, single signs and the names of keys excepted: it may be a
// password that lacks its quotes.
func discreet(msg string) string {
	if strings.HasPrefix(msg, "Key ") || strings.HasPrefix(msg, "key ") {
		return strings.ToLower(msg[:1]) + msg[1:]
	}
	cut := false
	msg = inQuotes().ReplaceAllStringFunc(msg, func(q string) string {
		if utf8.RuneCountInString(q) <= 4 {
			return q
		}
		cut = true
		return "..."
	})
	if cut && strings.Contains(msg, "expected value but found") {
		return "want a value (a text stands in quotes)"
	}
	msg = longNumber().ReplaceAllString(msg, "the number")
	if strings.HasPrefix(msg, "Invalid") {
		msg = "i" + msg[1:]
	}
	return msg
}
