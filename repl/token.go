package repl

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// tokenBytes is the strength of a token: 256 bits.
const tokenBytes = 32

// TokenHash is the SHA-256 of a token's text: all that a daemon keeps. The zero TokenHash admits nobody.
type TokenHash [sha256.Size]byte

// HashToken is the hash of a token's text.
func HashToken(token string) TokenHash { return sha256.Sum256([]byte(token)) }

// Matches tells, in constant time, whether token is the one hashed.
func (h TokenHash) Matches(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], h[:]) == 1 && h != TokenHash{}
}

// CreateToken makes sure that the file at path holds a token, and returns its hash. A missing file appears at once with
// mode 0600 (on Windows: with an access list of its own) and a new token in it; an existing one is read by the rules of [LoadToken]. The directory must exist.
func CreateToken(path string) (TokenHash, error) {
	token, err := LoadToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := writeToken(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return TokenHash{}, fmt.Errorf("cannot create token %s: %w", path, err)
		}
		token, err = LoadToken(path)
	}
	if err != nil {
		return TokenHash{}, err
	}
	return HashToken(token), nil
}

// writeToken writes a new token beside path and links it into place, so that nobody ever reads half a token and an
// existing one is never replaced (fs.ErrExist).
func writeToken(path string) error {
	secret := make([]byte, tokenBytes)
	rand.Read(secret) // never fails: crypto/rand ends the process instead
	f, err := os.CreateTemp(filepath.Dir(path), ".token-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = protect(f)
	if err == nil {
		_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(secret) + "\n")
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// LoadToken reads the token at path. It refuses a file that is no regular one, that others may read or write, that
// belongs to someone else than root or this user, or that holds anything but one token; a missing file is
// fs.ErrNotExist.
func LoadToken(path string) (string, error) {
	f, err := openToken(path)
	if err != nil {
		return "", fmt.Errorf("cannot read token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("cannot read token: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("cannot read token %s: not a regular file", path)
	}
	if err := checkPrivate(f, info); err != nil {
		return "", fmt.Errorf("cannot read token %s: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return "", fmt.Errorf("cannot read token %s: %w", path, err)
	}
	token := strings.TrimSuffix(string(text), "\n")
	if secret, err := base64.RawURLEncoding.Strict().DecodeString(token); err != nil || len(secret) != tokenBytes {
		return "", fmt.Errorf("cannot read token %s: it holds no token of ours (remove it, and the daemon makes a new one at its next start)", path)
	}
	return token, nil
}
