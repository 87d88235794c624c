package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"slices"
	"strconv"
)

// Identity is who a process runs as. The zero Identity with Set false is the daemon itself.
type Identity struct {
	Set      bool
	UID, GID uint32
	Groups   []uint32 // supplementary, the primary one included; exact, nothing of the daemon's
	Name     string   // "" when a number has no entry
	Home     string
}

// LookupUser finds the identity of a user and a group, each a name or a number, either "" for "not given". The error says
// which of them is missing. Only /etc/passwd and /etc/group are asked in a binary without cgo; a number always works.
func LookupUser(userName, groupName string) (Identity, error) {
	if userName == "" && groupName == "" {
		return Identity{}, nil
	}
	id, err := lookupAccount(userName)
	if err != nil {
		return Identity{}, err
	}
	if groupName != "" {
		gid, err := lookupGroup(groupName)
		if err != nil {
			return Identity{}, err
		}
		if userName == "" || len(id.Groups) == 0 {
			id.Groups = []uint32{gid}
		}
		id.GID = gid
	}
	if !slices.Contains(id.Groups, id.GID) {
		id.Groups = append(id.Groups, id.GID)
	}
	id.Set = true
	return id, nil
}

func lookupAccount(name string) (Identity, error) {
	if name == "" { // a group alone: the daemon's own user with that group
		self, err := user.Current()
		if err != nil {
			return Identity{}, &identityError{step: "user", name: "of the daemon", err: err}
		}
		uid, err := number(self.Uid)
		return Identity{UID: uid}, err
	}
	account, found, err := lookUp(user.Lookup, name)
	if err == nil && !found {
		uid, notNumber := number(name)
		if notNumber != nil {
			return Identity{}, &identityError{step: "user", name: name, err: fmt.Errorf("no such user"), final: true}
		}
		if account, found, err = lookUp(user.LookupId, name); err == nil && !found {
			// A number without an account: no name, no home, no group but its own.
			return Identity{UID: uid, GID: uid}, nil
		}
	}
	if err != nil {
		return Identity{}, &identityError{step: "user", name: name, err: fmt.Errorf("cannot be looked up: %w", err)}
	}
	id := Identity{Name: account.Username, Home: account.HomeDir}
	if id.UID, err = number(account.Uid); err == nil {
		id.GID, err = number(account.Gid)
	}
	if err != nil {
		return Identity{}, &identityError{step: "user", name: name, err: err}
	}
	groups, err := account.GroupIds()
	if err != nil {
		return Identity{}, &identityError{step: "user", name: name, err: fmt.Errorf("its groups cannot be found: %w", err)}
	}
	for _, text := range groups {
		gid, err := number(text)
		if err != nil {
			return Identity{}, &identityError{step: "user", name: name, err: err}
		}
		id.Groups = append(id.Groups, gid)
	}
	return id, nil
}

func lookupGroup(name string) (uint32, error) {
	group, found, err := lookUp(user.LookupGroup, name)
	if err == nil && !found {
		gid, notNumber := number(name)
		if notNumber != nil {
			return 0, &identityError{step: "group", name: name, err: fmt.Errorf("no such group"), final: true}
		}
		return gid, nil
	}
	if err != nil {
		return 0, &identityError{step: "group", name: name, err: fmt.Errorf("cannot be looked up: %w", err)}
	}
	return number(group.Gid)
}

// lookUp asks for an account. An error (a directory service does not answer, no descriptor is left) says nothing about whether
// there is one: a number must not be taken for one without an account then, as it would get another group than its own.
func lookUp[T any](ask func(string) (T, error), name string) (account T, found bool, err error) {
	account, err = ask(name)
	if err == nil {
		return account, true, nil
	}
	var noUser user.UnknownUserError
	var noID user.UnknownUserIdError
	var noGroup user.UnknownGroupError
	if !errors.As(err, &noUser) && !errors.As(err, &noID) && !errors.As(err, &noGroup) && !errors.Is(err, fs.ErrNotExist) && runtime.GOOS != "windows" {
		return account, false, err
	}
	// The system's library finds nobody when it cannot open its files, and does not say why.
	file, err := os.Open(os.DevNull)
	if err != nil {
		return account, false, err
	}
	return account, false, file.Close()
}

func number(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	// The largest number means "leave it as it is" to setuid(2) and its family.
	if err == nil && n == 1<<32-1 {
		err = fmt.Errorf("%s is not an id", text)
	}
	return uint32(n), err
}

// identityError is a look-up that failed; step becomes that of the LaunchError.
type identityError struct {
	step, name string
	err        error
	final      bool // there is none of this name; else the look-up may succeed later
}

func (e *identityError) Error() string { return e.step + " " + e.name + ": " + e.err.Error() }
func (e *identityError) Unwrap() error { return e.err }
