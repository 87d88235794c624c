package lisp

// Channel hands values from one coroutine of a program to another, in order. Its fields belong to who has the turn.
type Channel struct {
	size   int // values it holds before a send waits
	buf    []Value
	at     int // of the first value in buf
	takers []*waiter
	givers []*waiter
	closed bool
}

// waiter is a coroutine that waits at one or several channels.
type waiter struct {
	t    *Thread
	v    Value // to be given, or taken
	ch   *Channel
	done bool // it was served, or has given up
}

// Type is "channel".
func (*Channel) Type() string { return "channel" }

// String is "[chan]".
func (*Channel) String() string { return "[chan]" }

// next takes the first of a queue that still waits.
func next(queue *[]*waiter) *waiter {
	for len(*queue) > 0 {
		w := (*queue)[0]
		*queue = append((*queue)[:0], (*queue)[1:]...)
		if !w.done {
			w.done = true
			return w
		}
	}
	return nil
}

// wait adds a waiter to a queue, without those that have given up.
func wait(queue *[]*waiter, w *waiter) {
	kept := (*queue)[:0]
	for _, old := range *queue {
		if !old.done {
			kept = append(kept, old)
		}
	}
	*queue = append(kept, w)
}

// poll takes a value that is there. more is false when none will come any more.
func (ch *Channel) poll(g *tasks) (v Value, ok, more bool) {
	if ch.at < len(ch.buf) {
		v = ch.buf[ch.at]
		ch.buf[ch.at] = Nil
		if ch.at++; ch.at > len(ch.buf)/2 {
			ch.buf = append(ch.buf[:0], ch.buf[ch.at:]...)
			ch.at = 0
		}
		if w := next(&ch.givers); w != nil {
			ch.buf = append(ch.buf, w.v)
			g.wake(w.t)
		}
		return v, true, true
	}
	if w := next(&ch.givers); w != nil {
		g.wake(w.t)
		return w.v, true, true
	}
	return Nil, false, !ch.closed
}

// receive takes the first value that one of the channels has, and waits for it. ok is false when that channel is closed.
func (t *Thread) receive(chans ...*Channel) (from *Channel, v Value, ok bool) {
	g := t.group()
	for _, ch := range chans {
		if v, ok, more := ch.poll(g); ok || !more {
			return ch, v, ok
		}
	}
	w := &waiter{t: t, v: Nil}
	t.alloc(int64(96 * len(chans)))
	for _, ch := range chans {
		wait(&ch.takers, w)
	}
	defer func() { w.done = true }()
	t.park("receive")
	return w.ch, w.v, w.v.o != unbound.o
}

// send gives a value to a channel, and waits until somebody takes it or there is room.
func (t *Thread) send(ch *Channel, v Value) {
	g := t.group()
	if ch.closed {
		t.fail("value", "cannot send: the channel is closed")
	}
	if w := next(&ch.takers); w != nil {
		w.v, w.ch = v, ch
		g.wake(w.t)
		return
	}
	if len(ch.buf)-ch.at < ch.size {
		ch.buf = append(ch.buf, v)
		return
	}
	w := &waiter{t: t, v: v}
	t.alloc(96)
	wait(&ch.givers, w)
	defer func() { w.done = true }()
	t.park("send")
	if w.v.o == unbound.o {
		t.fail("value", "cannot send: the channel was closed meanwhile")
	}
}

// shut closes a channel: those that wait there go on without a value.
func (ch *Channel) shut(g *tasks) {
	ch.closed = true
	for _, queue := range []*[]*waiter{&ch.takers, &ch.givers} {
		for w := next(queue); w != nil; w = next(queue) {
			w.v, w.ch = unbound, ch
			if g != nil {
				g.wake(w.t)
			}
		}
	}
}

// channelPrims are coroutines and their channels. What is written as (go ...) is a special form.
func channelPrims() []Prim {
	return []Prim{
		{Name: "make-chan", Params: "[size:int]", Doc: "A channel, which hands values from one coroutine to another. It holds size (0) values before a send has to wait.", Example: "(let [c (make-chan 1)] (send! c 5) (<! c)) => 5", fn: func(t *Thread, args []Value) Value {
			ch := &Channel{}
			t.alloc(160)
			if len(args) > 0 {
				n, ok := args[0].AsInt()
				if compareNumbers(args[0], Int(0)) < 0 {
					t.fail("value", "cannot make a channel that holds %s values", showArg(args[0]))
				}
				if !ok {
					n = most
				}
				t.room(n, valueSize)
				ch.size = int(n)
			}
			return Host(ch)
		}},
		{Name: "send!", Params: "c:channel x", Doc: "Sends a value through a channel, and waits until it is received or the channel holds it; nil.", Example: "(let [c (make-chan)] (go (send! c 5)) (<! c)) => 5", fn: func(t *Thread, args []Value) Value {
			ch, ok := asChannel(args[0])
			if !ok {
				t.badArg("send!", 1, args[0], "channel")
			}
			t.send(ch, args[1])
			return Nil
		}},
		{Name: "<!", Params: "c:channel|coroutine", Doc: "The next value of a channel, which it waits for; nil when the channel is closed and empty. Of a coroutine, its value when it has ended, or its error.", Example: "(<! (go (+ 1 2))) => 3", fn: func(t *Thread, args []Value) Value {
			o, _ := args[0].AsHost()
			switch o := o.(type) {
			case *Channel:
				_, v, ok := t.receive(o)
				return received(v, ok)
			case *Coroutine:
				return t.await(o)
			}
			t.badArg("<!", 1, args[0], "channel or coroutine")
			return Nil
		}},
		{Name: "close!", Params: "c:channel", Doc: "Closes a channel: what it holds can still be received, then receiving gives nil. nil.", Example: "(let [c (make-chan 2)] (send! c 1) (close! c) [(<! c) (<! c)]) => [1 ()]", fn: func(t *Thread, args []Value) Value {
			ch, ok := asChannel(args[0])
			if !ok {
				t.badArg("close!", 1, args[0], "channel")
			}
			ch.shut(t.tasks)
			return Nil
		}},
		{Name: "select!", Params: "c:channel|coroutine more:channel|coroutine...", Doc: "Waits for the first channel that has a value, or coroutine that has ended: (channel . value).", Example: "(let [a (make-chan) b (make-chan)] (go (send! b 5)) (cdr (select! a b))) => 5", fn: func(t *Thread, args []Value) Value {
			args = t.keepArgs(args)
			chans := make([]*Channel, len(args))
			for i, v := range args {
				switch o, _ := v.AsHost(); o := o.(type) {
				case *Channel:
					chans[i] = o
				case *Coroutine:
					chans[i] = &o.out
				default:
					t.badArg("select!", i+1, v, "channel or coroutine")
				}
			}
			from, v, ok := t.receive(chans...)
			t.alloc(consSize)
			for i, ch := range chans {
				if ch == from {
					if co, is := mustHost(args[i]).(*Coroutine); is {
						return Cons(args[i], t.await(co))
					}
					return Cons(args[i], received(v, ok))
				}
			}
			return Nil
		}},
	}
}

func mustHost(v Value) Object { o, _ := v.AsHost(); return o }

func asChannel(v Value) (*Channel, bool) {
	ch, ok := mustHost(v).(*Channel)
	return ch, ok
}

func received(v Value, ok bool) Value {
	if !ok {
		return Nil
	}
	return v
}

// await gives what came of a coroutine when it has ended.
func (t *Thread) await(co *Coroutine) Value {
	if !co.out.closed {
		t.receive(&co.out)
	}
	if co.err != nil {
		co.rethrow(t)
	}
	return co.value
}

// Iterate makes a channel the source of a stream, which ends when it is closed.
func (ch *Channel) Iterate(t *Thread) func() (Value, bool, error) {
	return func() (Value, bool, error) {
		_, v, ok := t.receive(ch)
		return received(v, ok), ok, nil
	}
}
