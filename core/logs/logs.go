package logs

import (
	"fmt"
	"io"
	"time"
)

// Settings say where the output of one stream goes and when its files are
// rotated.
type Settings struct {
	// Files get every byte, each of them. /dev/stdout and /dev/stderr are the
	// daemon's own, /dev/null discards. No file at all discards too, but the
	// last lines stay in memory for Tail.
	Files []string
	// Size in bytes at which a file is rotated; 0 is never. A file is cut at
	// the last line end before Size; a line that does not fit may go on for
	// 64 KiB beyond it, after that it is cut.
	Size int64
	// Count is how many old files are kept beside the active one; 0 keeps
	// none: at Size the file starts anew.
	Count int
	// Age, if not 0, is how long an old file is kept after its last byte came.
	Age time.Duration
	// Total, if not 0, is how many bytes the files may take together; old ones
	// go until an active file of full size has room beside the rest.
	Total int64
	// Compress packs old files with gzip, aside and at low priority. Tail reads
	// them as it reads the others.
	Compress bool
	// Format is how lines stand in the files, on the daemon's stdout and stderr,
	// and before those who read the stream. It changes nothing but Raw's promise:
	// bytes as they were written.
	Format Format
}

// Options are what a Set needs of its daemon.
type Options struct {
	// Stdout and Stderr stand behind /dev/stdout and /dev/stderr; nil discards.
	// A daemon that hands out its real ones must ignore SIGPIPE (and SIGXFSZ,
	// if it has a file size limit): this package counts the error instead.
	Stdout, Stderr io.Writer
	// Notice is told what happened to a file. It is called by the goroutine
	// that wrote, which reads on when it returns, and by those that look after
	// old files, so several may call at once; it must not call back into the
	// Set. nil is allowed.
	Notice func(Notice)
}

// NoticeKind says what a Notice is about.
type NoticeKind int

// What can happen to a file.
const (
	// Degraded: writing failed for Reason; output is counted as lost from now.
	Degraded NoticeKind = iota
	// Recovered: writing works again; Bytes in Writes were lost and are
	// recorded in the file.
	Recovered
	// Reopened: the file was moved or deleted; a new one stands at Path. Up to
	// Bytes went into the old one after that.
	Reopened
	// NotRotated: the file is full and could not be renamed, or no new one
	// could be opened, for Reason; it grows on. Nothing is lost.
	NotRotated
	// NotReopened: the file was moved or deleted and no new one could be
	// opened, for Reason; output still goes into the moved one.
	NotReopened
	// NotCompressed: an old file could not be compressed, for Reason; it stays
	// as it is and is tried again after the next rotation.
	NotCompressed
	// NotSynced: a full file could not be brought to the disk, for Reason; what
	// the system had taken of it may be lost, and nobody can say how much.
	NotSynced
	// NotRemoved: old files beyond the limits could not be removed, for Reason;
	// they stay, and it is tried again with the next rotation.
	NotRemoved
)

// String is the word for the kind: "degraded", "recovered", "reopened", "not
// rotated", "not reopened", "not compressed", "not synced",
// "not removed".
func (k NoticeKind) String() string {
	switch k {
	case Degraded:
		return "degraded"
	case Recovered:
		return "recovered"
	case Reopened:
		return "reopened"
	case NotRotated:
		return "not rotated"
	case NotReopened:
		return "not reopened"
	case NotCompressed:
		return "not compressed"
	case NotSynced:
		return "not synced"
	case NotRemoved:
		return "not removed"
	}
	return fmt.Sprintf("notice %d", int(k))
}

// Notice is one thing that happened to a file.
type Notice struct {
	Kind   NoticeKind
	Path   string
	Reason string // errno name such as "ENOSPC", or the error's text
	Bytes  int64
	Writes int64
}

// String is the notice as a line for the daemon's log.
func (n Notice) String() string {
	switch n.Kind {
	case Degraded:
		return fmt.Sprintf("cannot write log %s: %s; output is counted as lost until it works again", n.Path, n.Reason)
	case Recovered:
		return fmt.Sprintf("log %s works again: %d bytes in %d writes were lost (%s)", n.Path, n.Bytes, n.Writes, n.Reason)
	case Reopened:
		return fmt.Sprintf("log %s was moved or deleted: opened anew, up to %d bytes went into the old file", n.Path, n.Bytes)
	case NotRotated:
		return fmt.Sprintf("cannot rotate log %s: %s; it grows on", n.Path, n.Reason)
	case NotReopened:
		return fmt.Sprintf("log %s was moved or deleted and cannot be opened anew: %s", n.Path, n.Reason)
	case NotCompressed:
		return fmt.Sprintf("cannot compress an old file of log %s: %s; it stays as it is", n.Path, n.Reason)
	case NotSynced:
		return fmt.Sprintf("cannot bring a full file of log %s to the disk: %s; the end of it may be lost", n.Path, n.Reason)
	case NotRemoved:
		return fmt.Sprintf("cannot remove old files of log %s that are beyond its limits: %s; they stay", n.Path, n.Reason)
	}
	return n.Kind.String() + " " + n.Path
}

// Health is how a stream is doing.
type Health struct {
	Written  int64  // bytes taken from the program
	Lost     int64  // bytes that could not be written, in the stream's format, over all files
	Degraded string // reason why a file cannot be written now, "" when all can
}

// String is "" for a stream whose files can be written, else for example
// "degraded(ENOSPC, lost=12345)".
func (h Health) String() string {
	if h.Degraded == "" {
		return ""
	}
	return fmt.Sprintf("degraded(%s, lost=%d)", h.Degraded, h.Lost)
}
