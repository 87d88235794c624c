package logs

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A packed file is a gzip file that every tool reads. It consists of one
// member for each megabyte of text, and each member says in its header how long
// it is (RFC 1952, 2.3.1.1: an extra field of ours), so that a reader finds the
// end of the text without unpacking what stands before it.
const (
	packedBlock = 1 << 20
	headLength  = 20 // 10 bytes, the length of the extra field, the field
)

var extraField = [8]byte{'S', 'V', 4, 0} // then the member's length, four bytes

// packInto writes the text of src into dst; begun is called after the first part. It ends early when stop says so.
func packInto(dst io.Writer, src io.Reader, stop func() bool, begun func()) error {
	block := make([]byte, packedBlock)
	var member bytes.Buffer
	z, err := gzip.NewWriterLevel(&member, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		n, err := io.ReadFull(src, block)
		if n == 0 && err == io.EOF {
			return nil
		}
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		member.Reset()
		z.Reset(&member)
		z.Extra = extraField[:]
		if _, err := z.Write(block[:n]); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		binary.LittleEndian.PutUint32(member.Bytes()[headLength-4:], uint32(member.Len()))
		if _, err := dst.Write(member.Bytes()); err != nil {
			return err
		}
		if first {
			begun()
		}
		if stop() {
			return errStopped
		}
	}
}

var (
	errStopped = errors.New("it was stopped")
	errForeign = errors.New("somebody else compressed it")
)

// packed reads a packed file as if it were the text. ReadAt is for one
// goroutine.
type packed struct {
	file    *os.File
	size    int64 // of the text
	members []member
	at      int // the member that text holds; -1: none
	text    []byte
}

type member struct {
	begins      int64 // in the file
	length      int64
	text, bytes int64 // where its text begins, and how long that is
}

// openPacked reads the heads of all members. errForeign: it is no file that packInto made.
func openPacked(f *os.File, size int64) (*packed, error) {
	p := &packed{file: f, at: -1}
	for begins := int64(0); begins < size; {
		var head [headLength]byte
		var tail [4]byte
		if _, err := f.ReadAt(head[:], begins); err != nil {
			return nil, errForeign
		}
		length := int64(binary.LittleEndian.Uint32(head[headLength-4:]))
		if !bytes.Equal(head[:4], []byte{0x1f, 0x8b, 8, 4}) || head[10] != 8 || !bytes.Equal(head[12:16], extraField[:4]) ||
			length < headLength+8 || begins+length > size {
			return nil, errForeign
		}
		if _, err := f.ReadAt(tail[:], begins+length-4); err != nil {
			return nil, errForeign
		}
		n := int64(binary.LittleEndian.Uint32(tail[:]))
		if n > packedBlock {
			return nil, errForeign
		}
		p.members = append(p.members, member{begins, length, p.size, n})
		p.size += n
		begins += length
	}
	return p, nil
}

// ReadAt reads text.
func (p *packed) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && off < p.size {
		i, j := 0, len(p.members) // the last member that begins at or before off
		for j-i > 1 {
			if h := (i + j) / 2; p.members[h].text <= off {
				i = h
			} else {
				j = h
			}
		}
		if err := p.unpack(i); err != nil {
			return n, err
		}
		k := copy(b[n:], p.text[off-p.members[i].text:])
		n, off = n+k, off+int64(k)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (p *packed) unpack(i int) error {
	if p.at == i {
		return nil
	}
	m := p.members[i]
	p.at = -1
	z, err := gzip.NewReader(io.NewSectionReader(p.file, m.begins, m.length))
	if err != nil {
		return fmt.Errorf("cannot unpack %s: %w", p.file.Name(), err)
	}
	if int64(cap(p.text)) < m.bytes {
		p.text = make([]byte, m.bytes)
	}
	p.text = p.text[:m.bytes]
	if _, err := io.ReadFull(z, p.text); err != nil {
		return fmt.Errorf("cannot unpack %s: %w", p.file.Name(), err)
	}
	if n, err := z.Read(make([]byte, 1)); n != 0 || err != io.EOF { // and the checksum is right
		return fmt.Errorf("cannot unpack %s: it is damaged", p.file.Name())
	}
	p.at = i
	return nil
}

// mostForeign bounds how much text is unpacked of a file that somebody else
// compressed.
const mostForeign = 1 << 30

// openForeign unpacks what somebody else compressed and keeps the end of it, as
// much as one answer holds.
func openForeign(f *os.File) (end []byte, size int64, err error) {
	z, err := gzip.NewReader(io.NewSectionReader(f, 0, 1<<62))
	if err != nil {
		return nil, 0, fmt.Errorf("cannot unpack %s: %w", f.Name(), err)
	}
	var last ring
	block := make([]byte, maxLine)
	for size < mostForeign {
		n, err := z.Read(block)
		last.add(block[:n], maxTail)
		size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("cannot unpack %s: %w", f.Name(), err)
		}
	}
	end = make([]byte, last.n)
	last.read(last.start(), end)
	return end, size, nil
}
