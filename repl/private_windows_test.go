package repl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// secretTo writes a file that nobody else may read.
func secretTo(path, text string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := protect(f); err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return err
}

// openToAll lets everybody read a file.
func openToAll(path string) error {
	self, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return err
	}
	return restrict(path, "D:P(A;;FA;;;SY)(A;;FA;;;"+self.User.Sid.String()+")(A;;FR;;;WD)")
}

// What is said of a token that others may read, and of a link in its place.
const (
	openIsRefused = "its access list lets in"
	linkIsRefused = "not a regular file"
)

// isSecret tells why somebody else may read a file, by its access list as the system tells it.
func isSecret(path string) error {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, ownerAndAccess)
	if err != nil {
		return err
	}
	return private(sd)
}

// TestPrivateMeansNobodyElse: the access lists that let in somebody else, and those that do not.
func TestPrivateMeansNobodyElse(t *testing.T) {
	self, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	me := self.User.Sid.String()
	for list, want := range map[string]string{
		"O:" + me + "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;" + me + ")": "",
		"O:BAD:P(A;;FA;;;" + me + ")":                                 "",
		"O:SYD:P(A;;FA;;;CO)(A;;FA;;;OW)":                             "",
		"O:" + me + "D:(D;;FA;;;WD)(A;;FA;;;" + me + ")":              "", // what is denied lets in nobody
		"O:" + me + "D:P(A;;FA;;;" + me + ")(A;;FR;;;WD)":             "lets in",
		"O:" + me + "D:P(A;;FR;;;BU)":                                 "lets in",
		"O:" + me + "D:P(A;;FR;;;AU)":                                 "lets in",
		"O:" + me + "D:P(A;;FR;;;S-1-5-21-1-2-3-1004)":                "lets in S-1-5-21-1-2-3-1004",
		"O:S-1-5-21-1-2-3-1004D:P(A;;FA;;;" + me + ")":                "it belongs to S-1-5-21-1-2-3-1004",
		"O:" + me: "everybody may do anything",
	} {
		sd, err := windows.SecurityDescriptorFromString(list)
		if err != nil {
			t.Fatalf("%s: %v", list, err)
		}
		if err := private(sd); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", list, err, want)
		}
	}
}

// TestTheTokensAccessListIsItsOwn: it takes nothing from a folder that lets in everybody, is there before the secret is, and
// opening it to others makes the daemon and its commands refuse it.
func TestTheTokensAccessListIsItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if _, err := CreateToken(path); err != nil {
		t.Fatal(err)
	}
	if err := isSecret(path); err != nil {
		t.Error(err)
	}
	if err := openToAll(path); err != nil {
		t.Fatal(err)
	}
	if isSecret(path) == nil {
		t.Error("this system keeps no access lists")
	}
	if _, err := LoadToken(path); err == nil || !strings.Contains(err.Error(), openIsRefused) {
		t.Errorf("got %v", err)
	}
}
