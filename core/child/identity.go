package child

import (
	"fmt"
	"os/user"
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
	account, err := user.Lookup(name)
	if err != nil {
		uid, notNumber := number(name)
		if notNumber != nil {
			return Identity{}, &identityError{step: "user", name: name, err: fmt.Errorf("no such user")}
		}
		if account, err = user.LookupId(name); err != nil {
			// A number without an account: no name, no home, no group but its own.
			return Identity{UID: uid, GID: uid}, nil
		}
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
	group, err := user.LookupGroup(name)
	if err != nil {
		gid, notNumber := number(name)
		if notNumber != nil {
			return 0, &identityError{step: "group", name: name, err: fmt.Errorf("no such group")}
		}
		return gid, nil
	}
	return number(group.Gid)
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
}

func (e *identityError) Error() string { return e.step + " " + e.name + ": " + e.err.Error() }
func (e *identityError) Unwrap() error { return e.err }
