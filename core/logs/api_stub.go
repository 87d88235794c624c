package logs

import (
	"context"
	"io"
	"os"
	"regexp"
	"time"
)

type Settings struct {
	Files []string
	Size  int64
	Count int
}

type Options struct {
	Stdout, Stderr io.Writer
	Notice         func(Notice)
}

type NoticeKind int

const (
	Degraded NoticeKind = iota
	Recovered
	Reopened
)

type Notice struct {
	Kind   NoticeKind
	Path   string
	Reason string
	Bytes  int64
	Writes int64
}

type Health struct {
	Written  int64
	Lost     int64
	Degraded string
}

func (h Health) String() string { return "" }

type Set struct{}
type Stream struct{}
type Pump struct{}
type Cursor int64
type Line struct {
	Text   string
	Missed int64
	At     time.Time
	Cursor Cursor
}
type Follower struct{}

func New(o Options) *Set                                               { return &Set{} }
func Check(files []string) error                                       { return nil }
func (s *Set) Open(name, stream string, set Settings) (*Stream, error) { return &Stream{}, nil }
func (s *Set) Reopen() error                                           { return nil }
func (s *Set) Close() error                                            { return nil }
func (s *Set) Files(name string) []string                              { return nil }
func (s *Set) Clear() (removed []string, err error)                    { return nil, nil }
func (s *Stream) Apply(set Settings) error                             { return nil }
func (s *Stream) Attach(r *os.File) *Pump                              { return &Pump{} }
func (s *Stream) Tail(n int, since time.Time, match *regexp.Regexp) ([]string, error) {
	return nil, nil
}
func (s *Stream) TailFollow(ctx context.Context, n int, since time.Time, match *regexp.Regexp) ([]string, *Follower, error) {
	return nil, &Follower{}, nil
}
func (s *Stream) Follow(ctx context.Context, from ...Cursor) *Follower { return &Follower{} }
func (s *Stream) Health() Health                                       { return Health{} }
func (s *Stream) Close() error                                         { return nil }
func (p *Pump) Drain()                                                 {}
func (p *Pump) Done() <-chan struct{}                                  { return nil }
func (p *Pump) Close() error                                           { return nil }
func (f *Follower) Next() (Line, error)                                { return Line{}, io.EOF }
func (f *Follower) Close()                                             {}
