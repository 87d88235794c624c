package builtins

import (
	"regexp"
	"strings"
	"sync"

	"github.com/qjpcpu/supervisord/lisp"
)

// masked stands for a secret, whatever its length.
const masked = "****"

var (
	secretName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)pass|secret|token|key|cred|auth|cookie|dsn|private`)
	})
	// assigned is a secret within a text: password=x, --token=x, API_KEY: x, also after ? and & of an address.
	assigned = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:pass|secret|token|key|cred|auth|cookie|dsn|private)[a-z0-9_.-]*["']?\s*(?:=|:\s+|:=)\s*)("[^"]*"|'[^']*'|[^\s&;,"']+)`)
	})
	// userinfo is the password of an address: scheme://user:password@host. A password may hold an @.
	userinfo = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(://[^/\s:@"']*:)([^/\s"']+)(@)`) })
	// bearer is a credential of HTTP.
	bearer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\b(bearer|basic)(\s+)([a-z0-9._~+/=-]{6,})`) })
)

// Mask is a value as it may be shown: "****" when the name is one of a secret (pass, secret, token, key, cred, auth,
// cookie, dsn, private, in either case, anywhere in it), else the value with the secrets inside it replaced
// (password=x, user:x@host). An empty value stays empty.
func Mask(name, value string) string {
	switch {
	case value == "":
		return ""
	case secretName().MatchString(name):
		return masked
	}
	return maskText(value)
}

// maskText replaces the secrets inside a text.
func maskText(text string) string {
	text = userinfo().ReplaceAllString(text, "${1}"+masked+"${3}")
	text = bearer().ReplaceAllString(text, "${1}${2}"+masked)
	return assigned().ReplaceAllString(text, "${1}"+masked)
}

// maskWords masks the arguments of a command: what is inside each, and the one after a flag that announces a secret
// (--password x).
func maskWords(words []string) []string {
	out := make([]string, len(words))
	announced := false
	for i, word := range words {
		switch {
		case announced && (!strings.HasPrefix(word, "-") || len(word) == 1):
			out[i] = masked
		default:
			out[i] = maskText(word)
		}
		announced = strings.HasPrefix(word, "-") && !strings.ContainsAny(word, "= ") && secretName().MatchString(word)
	}
	return out
}

// maskGo masks a Go value under the name it has: maps by their keys, lists of words as arguments, strings inside.
func maskGo(name string, value any) any {
	switch v := value.(type) {
	case string:
		return Mask(name, v)
	case []string:
		if secretName().MatchString(name) {
			return masked
		}
		return maskWords(v)
	case map[string]string:
		out := make(map[string]string, len(v))
		for key, item := range v {
			out[key] = Mask(key, item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = maskGo(key, item)
		}
		return out
	case []map[string]any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = maskGo(name, item)
		}
		return out
	case []any:
		if words, ok := allStrings(v); ok {
			return maskGo(name, words)
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = maskGo(name, item)
		}
		return out
	}
	return value
}

func allStrings(items []any) ([]string, bool) {
	words := make([]string, len(items))
	for i, item := range items {
		word, ok := item.(string)
		if !ok {
			return nil, false
		}
		words[i] = word
	}
	return words, true
}

// maskConfig masks a configuration. The daemon's own keys hold no secrets but paths to them, so names decide only below
// the processes.
func maskConfig(config map[string]any) map[string]any {
	out := make(map[string]any, len(config))
	for key, value := range config {
		if text, ok := value.(string); ok {
			out[key] = maskText(text)
			continue
		}
		out[key] = maskGo("", value)
	}
	return out
}

// maskArguments is what the audit log and the journal show of a call's arguments: printed as the language does, masked,
// and cut to a bearable length.
func maskArguments(args []lisp.Value) []string {
	words := make([]string, len(args))
	plain := make([]bool, len(args))
	for i, arg := range args {
		words[i], plain[i] = arg.AsString()
	}
	shown := maskWords(words)
	for i, arg := range args {
		if !plain[i] {
			shown[i] = lisp.Print(maskValue("", arg, 0))
		} else {
			shown[i] = lisp.Print(lisp.String(shown[i]))
		}
		shown[i] = cut(shown[i], longestArgument)
	}
	return shown
}

// The lengths that the audit log and the journal cut to, in bytes.
const (
	longestArgument = 256
	longestCall     = 512
)

// maskDepth bounds how deep a value is looked into; what is deeper is not shown.
const maskDepth = 8

// maskValue is maskGo for values of the language.
func maskValue(name string, v lisp.Value, depth int) lisp.Value {
	if depth > maskDepth {
		return lisp.String("...")
	}
	if text, ok := v.AsString(); ok {
		return lisp.String(Mask(name, text))
	}
	if name != "" && secretName().MatchString(name) && !v.IsNil() {
		return lisp.String(masked)
	}
	if hash, ok := v.AsHash(); ok {
		out := lisp.NewHash()
		hash.Each(func(k, item lisp.Value) bool {
			key := lisp.Display(k)
			out.SetString(key, maskValue(key, item, depth+1))
			return true
		})
		return lisp.HashValue(out)
	}
	if items, ok := v.Elements(); ok && !v.IsNil() {
		words := make([]string, len(items))
		for i, item := range items {
			words[i], _ = item.AsString()
		}
		words = maskWords(words)
		out := make([]lisp.Value, len(items))
		for i, item := range items {
			if _, ok := item.AsString(); ok {
				out[i] = lisp.String(words[i])
			} else {
				out[i] = maskValue(name, item, depth+1)
			}
		}
		return lisp.Array(out...)
	}
	return v
}

// cut shortens a text to at most n bytes, at a character, and says that it did.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "..."
}
