package logs

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// wideLimit is the most that all widened pipes of a daemon take together.
const wideLimit = 16 << 20

// Set is all that a daemon logs for its processes: one writer per file,
// whoever writes to it and however its path is spelt.
type Set struct {
	options Options
	wrap    func(path string) func(io.Writer) io.Writer // faults, in tests
	step    func(step, int64)                           // the same: each step of a rotation and how many bytes were written

	restAfter time.Duration // shorter in tests

	mu      sync.Mutex
	byPath  map[string]*sink
	byPlace map[place]*sink
	streams map[streamKey]*Stream
	closed  bool

	tidier    tidier
	turns     turnstile
	watcher   watcher
	naps      bool         // a processor can be spared while a pump sleeps in the kernel
	napping   atomic.Bool  // one does
	allowance atomic.Int64 // bytes of widened pipes left; -1 before it is known
	learn     sync.Once
}

type streamKey struct{ name, stream string }

// place is a name in a directory, however one gets there.
type place struct {
	dir  fileID
	base string
}

// New makes a Set without any file open.
func New(o Options) *Set {
	return &Set{
		options: o,
		byPath:  map[string]*sink{},
		byPlace: map[place]*sink{},
		streams: map[streamKey]*Stream{},
		turns:   newTurnstile(),
		naps:    runtime.GOMAXPROCS(0) > 1,

		restAfter: restAfter,
	}
}

func (set *Set) now() int64 { return time.Now().UnixNano() }

// Open opens a stream of a process ("stdout", "stderr") with its files, whose
// missing directories are made (0750). A file that cannot be opened is an error
// that names its path; nothing is left open then. Two streams of one name and
// kind are an error. Of different Size and Count for one file the latest hold.
func (set *Set) Open(name, stream string, to Settings) (*Stream, error) {
	s := &Stream{
		name:      name,
		stream:    stream,
		set:       set,
		pumps:     map[*Pump]struct{}{},
		followers: map[*Follower]struct{}{},
	}
	key := streamKey{name, stream}
	sinks, err := set.acquire(to)
	if err != nil {
		return nil, err
	}
	s.format.Store(int32(to.Format))
	s.out = &outputs{files: slices.Clone(to.Files), sinks: sinks}
	s.unkept.Store(-1)
	set.mu.Lock()
	switch {
	case set.closed:
		err = fmt.Errorf("cannot open the %s of %s: the logs are closed", stream, name)
	case set.streams[key] != nil:
		err = fmt.Errorf("cannot open the %s of %s: it is open already", stream, name)
	default:
		set.streams[key] = s
	}
	set.mu.Unlock()
	if err != nil {
		set.release(sinks)
		return nil, err
	}
	return s, nil
}

// acquire returns the sinks for the files, each once, opened and counted.
func (set *Set) acquire(to Settings) (sinks []*sink, err error) {
	for _, file := range to.Files {
		path, err := absolute(file)
		if err != nil {
			set.release(sinks)
			return nil, fmt.Errorf("cannot open log %s: %w", file, err)
		}
		if path == devNull {
			continue
		}
		s, err := set.sink(path)
		if err != nil {
			set.release(sinks)
			return nil, err
		}
		if slices.Contains(sinks, s) { // the same file twice gets each byte once
			set.release([]*sink{s})
			continue
		}
		sinks = append(sinks, s)
	}
	set.tune(sinks, to)
	return sinks, nil
}

// tune sets what holds for the files from now on, and has what is new carried out.
func (set *Set) tune(sinks []*sink, to Settings) {
	for _, k := range sinks {
		k.limit.Store(max(to.Size, 0))
		fewer := k.count.Swap(int64(max(to.Count, 0))) > int64(to.Count)
		less := k.totalLimit.Swap(max(to.Total, 0)) != to.Total && to.Total > 0
		younger := k.age.Swap(int64(max(to.Age, 0))) != int64(to.Age) && to.Age > 0
		packs := !k.compress.Swap(to.Compress) && to.Compress
		if k.dir != "" && (fewer || less || younger || packs) {
			set.tidier.look(k)
		}
	}
}

// sink finds or opens the one writer for path.
func (set *Set) sink(path string) (*sink, error) {
	if s := set.known(path, nil); s != nil {
		return s, nil
	}
	if device(path) {
		s := &sink{path: path, notice: set.options.Notice, out: set.options.Stdout}
		if path == devStderr {
			s.out = set.options.Stderr
		}
		return set.join(s, path, nil), nil
	}
	dir := filepath.Dir(path)
	if err := makeDirectory(dir); err != nil {
		return nil, fmt.Errorf("cannot open log %s: %w", path, err)
	}
	d, err := openDirectory(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open log %s: %w", path, err)
	}
	defer d.close()
	at := &place{d.id, folded(filepath.Base(path))}
	if s := set.known(path, at); s != nil {
		return s, nil
	}
	var wrap func(io.Writer) io.Writer
	if set.wrap != nil {
		wrap = set.wrap(path)
	}
	s, err := openFile(path, d, set.options.Notice, wrap)
	if err != nil {
		return nil, err
	}
	s.step, s.later = set.step, set.tidier.look
	got := set.join(s, path, at)
	if got != s {
		s.close() // somebody was faster
	}
	return got, nil
}

// known looks a sink up by its path and by its place, and counts it.
func (set *Set) known(path string, at *place) *sink {
	set.mu.Lock()
	defer set.mu.Unlock()
	return set.find(path, at)
}

func (set *Set) find(path string, at *place) *sink {
	path = folded(path)
	s := set.byPath[path]
	if s == nil && at != nil {
		if s = set.byPlace[*at]; s != nil {
			set.byPath[path] = s
			s.names = append(s.names, path)
		}
	}
	if s != nil {
		s.refs++
	}
	return s
}

// join makes s known unless there is one already.
func (set *Set) join(s *sink, path string, at *place) *sink {
	set.mu.Lock()
	defer set.mu.Unlock()
	if other := set.find(path, at); other != nil {
		return other
	}
	path = folded(path)
	set.byPath[path] = s
	if at != nil {
		s.place = *at
		set.byPlace[*at] = s
	}
	s.names = []string{path}
	s.refs = 1
	return s
}

// release gives sinks back and closes those that nobody holds any more.
func (set *Set) release(sinks []*sink) error {
	var unused []*sink
	set.mu.Lock()
	for _, s := range sinks {
		if s.refs--; s.refs > 0 {
			continue
		}
		for _, path := range s.names {
			delete(set.byPath, path)
		}
		if set.byPlace[s.place] == s {
			delete(set.byPlace, s.place)
		}
		unused = append(unused, s)
	}
	set.mu.Unlock()
	var problems []error
	for _, s := range unused {
		set.tidier.forget(s)
		problems = append(problems, s.close())
	}
	return errors.Join(problems...)
}

// forget takes a stream out of the Set.
func (set *Set) forget(s *Stream) {
	set.mu.Lock()
	defer set.mu.Unlock()
	if key := (streamKey{s.name, s.stream}); set.streams[key] == s {
		delete(set.streams, key)
	}
}

// sinks are the file sinks of a process, or of all for "".
func (set *Set) sinks(name string) []*sink {
	var found []*sink
	for _, s := range set.open(name) {
		s.mu.Lock()
		for _, k := range s.out.sinks {
			if k.dir != "" && !slices.Contains(found, k) {
				found = append(found, k)
			}
		}
		s.mu.Unlock()
	}
	return found
}

func (set *Set) open(name string) []*Stream {
	set.mu.Lock()
	defer set.mu.Unlock()
	var found []*Stream
	for key, s := range set.streams {
		if name == "" || key.name == name {
			found = append(found, s)
		}
	}
	return found
}

// Reopen looks at the path of every file now instead of within a second of the
// next write, and opens anew what was moved or deleted. The error names every
// file that could not be.
func (set *Set) Reopen() error {
	var problems []error
	for _, s := range set.sinks("") {
		problems = append(problems, s.reopen())
	}
	return errors.Join(problems...)
}

// Close closes every stream as Stream.Close does and with them all files,
// which are brought to the disk. Nothing can be opened afterwards.
func (set *Set) Close() error {
	set.mu.Lock()
	set.closed = true
	set.mu.Unlock()
	set.tidier.close()
	var all sync.WaitGroup
	gate := make(chan struct{}, 16)
	var mu sync.Mutex
	var problems []error
	for _, s := range set.open("") {
		gate <- struct{}{}
		all.Go(func() {
			err := s.Close()
			mu.Lock()
			problems = append(problems, err)
			mu.Unlock()
			<-gate
		})
	}
	all.Wait()
	set.watcher.close()
	return errors.Join(problems...)
}

// widen makes a pipe hold a megabyte if the daemon's allowance has room for
// it, and returns what was taken from the allowance.
func (set *Set) widen(fd uintptr) int {
	set.learn.Do(func() { set.allowance.Store(pipeAllowance(wideLimit)) })
	if set.allowance.Add(-widePipe) < 0 {
		set.allowance.Add(widePipe)
		return 0
	}
	if widenPipe(fd, widePipe) == 0 {
		set.allowance.Add(widePipe)
		return 0
	}
	return widePipe
}

// narrow gives back what widen took; the pipe is closed.
func (set *Set) narrow(taken int) {
	if taken > 0 {
		set.allowance.Add(int64(taken))
	}
}
