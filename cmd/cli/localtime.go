package cli

import (
	"regexp"
	"sync"
	"time"
)

// wireTime matches the times that the daemon writes into texts: RFC 3339, UTC, milliseconds.
var wireTime = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`) })

// personTime is how a person reads a time: of this place, to the millisecond.
const personTime = "2006-01-02 15:04:05.000"

// localTime is a time of the wire as a person reads it; what is no time stays as it is.
func localTime(text string) string {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return at.Local().Format(personTime)
}

// localTimes puts all times of the wire in a text into those of this place.
func localTimes(text string) string { return wireTime().ReplaceAllStringFunc(text, localTime) }
