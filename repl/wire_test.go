package repl

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestRequestSurvivesTheWire(t *testing.T) {
	for _, want := range []Request{
		{Form: "(status)"},
		{Form: `(println "å\n\u2028")`, Name: "deploy.glisp", Session: "s1", Argv: []string{"a", "", "c d"}, Stdin: "x\ny", Timeout: 90 * time.Second},
	} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, failure := DecodeRequest(text, 1000)
		if failure != nil {
			t.Fatalf("%s: %v", text, failure)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestExampleOfTheProtocolIsARequest(t *testing.T) {
	req, failure := DecodeRequest([]byte(` {"form": "(restart \"web\")", "name": "deploy.glisp", "session": "", "argv": [], "stdin": "", "timeout": "30s"} `+"\n"), 1000)
	if failure != nil || req.Form != `(restart "web")` || req.Timeout != 30*time.Second {
		t.Errorf("got %+v, %v", req, failure)
	}
}

func TestOnlyStrictJSONIsARequest(t *testing.T) {
	deep := strings.Repeat("[", 10_000)
	for name, tc := range map[string]struct{ body, want string }{
		"empty":               {``, "ends too early"},
		"blank":               {" \n", "ends too early"},
		"cut":                 {`{"form":"(st`, "ends too early"},
		"cut after a key":     {`{"form"`, "ends too early"},
		"no form":             {`{}`, "missing"},
		"null":                {`null`, "want an object"},
		"a string":            {`"(status)"`, "want an object"},
		"an array":            {`[{"form":"(status)"}]`, "want an object"},
		"byte order mark":     {"\xef\xbb\xbf" + `{"form":"(status)"}`, "byte order mark"},
		"UTF-16":              {"\xff\xfe{\x00", "not UTF-8"},
		"bad UTF-8":           {"{\"form\":\"\xff\"}", "not UTF-8"},
		"overlong UTF-8":      {"{\"form\":\"\xc0\xaf\"}", "not UTF-8"},
		"unknown key":         {`{"form":"(status)","frm":1}`, `unknown key "frm"`},
		"key in another case": {`{"FORM":"(status)"}`, `unknown key "FORM"`},
		"the peer":            {`{"form":"(status)","Peer":{"UID":0}}`, `unknown key "Peer"`},
		"duplicate key":       {`{"form":"(status)","form":"(shutdown)"}`, "stands twice"},
		"duplicate, escaped":  {`{"form":"(status)","\u0066orm":"(shutdown)"}`, "stands twice"},
		"trailing object":     {`{"form":"(status)"}{}`, "follows"},
		"trailing junk":       {`{"form":"(status)"} x`, "follows"},
		"trailing brace":      {`{"form":"(status)"}}`, "follows"},
		"trailing NUL":        {"{\"form\":\"(status)\"}\x00", "follows"},
		"NaN":                 {`{"form":NaN}`, "not JSON"},
		"single quotes":       {`{'form':'(status)'}`, "not JSON"},
		"comment":             {`{"form":"(status)"/**/}`, "not JSON"},
		"trailing comma":      {`{"form":"(status)",}`, "not JSON"},
		"raw newline":         {"{\"form\":\"a\nb\"}", "not JSON"},
		"form a number":       {`{"form":1}`, "is a number, want a string"},
		"form null":           {`{"form":null}`, "is null, want a string"},
		"form an object":      {`{"form":{"a":1}}`, "is an object, want a string"},
		"depth":               {`{"form":` + deep, "is an array, want a string"},
		"depth in argv":       {`{"form":"","argv":` + deep, "is an array, want a string"},
		"argv a string":       {`{"form":"","argv":"x"}`, "want an array"},
		"argv of numbers":     {`{"form":"","argv":[1]}`, "want a string"},
		"argv cut":            {`{"form":"","argv":["x"`, "ends too early"},
		"too many arguments":  {`{"form":"","argv":["x"` + strings.Repeat(`,"x"`, maxArgv) + `]}`, "more than 4096"},
		"timeout a number":    {`{"form":"","timeout":30}`, "want a string"},
		"timeout a word":      {`{"form":"","timeout":"soon"}`, "want a time"},
		"timeout below zero":  {`{"form":"","timeout":"-1s"}`, "above zero"},
		"timeout zero":        {`{"form":"","timeout":"0s"}`, "above zero"},
		"timeout overflow":    {`{"form":"","timeout":"9999999999h"}`, "want a time"},
	} {
		t.Run(name, func(t *testing.T) {
			req, failure := DecodeRequest([]byte(tc.body), 1000)
			if failure == nil {
				t.Fatalf("accepted as %+v", req)
			}
			if failure.Kind != kindInvalid || !strings.Contains(failure.Message, tc.want) {
				t.Errorf("got %s %q, want invalid with %q", failure.Kind, failure.Message, tc.want)
			}
			if len(failure.Message) > 300 {
				t.Errorf("the message repeats too much: %d bytes", len(failure.Message))
			}
		})
	}
}

func TestLongStdinIsTooLarge(t *testing.T) {
	for n, want := range map[int]string{maxStdin: "", maxStdin + 1: kindTooLarge} {
		got := ""
		if _, failure := DecodeRequest(fmt.Appendf(nil, `{"form":"1","stdin":%q}`, strings.Repeat("\"", n)), 10); failure != nil {
			got = failure.Kind
		}
		if got != want {
			t.Errorf("%d bytes: got %q, want %q", n, got, want)
		}
	}
}

func TestLongFormIsTooLarge(t *testing.T) {
	body := fmt.Sprintf(`{"form":%q}`, strings.Repeat("x", 11))
	if _, failure := DecodeRequest([]byte(body), 10); failure == nil || failure.Kind != kindTooLarge {
		t.Errorf("got %v, want too-large", failure)
	}
	if _, failure := DecodeRequest([]byte(body), 11); failure != nil {
		t.Errorf("got %v at the limit", failure)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"form":"(status)","argv":["a"],"timeout":"1s"}`))
	f.Add([]byte(`{"form":"","form":""}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, failure := DecodeRequest(body, 1<<20)
		if failure != nil {
			return
		}
		// Whatever is taken is taken the same way by another reader, and comes back the same.
		var other struct{ Form string }
		if err := json.Unmarshal(body, &other); err != nil || other.Form != req.Form {
			t.Fatalf("read as %q, another reader says %q (%v)", req.Form, other.Form, err)
		}
		text, err := json.Marshal(req)
		if err != nil {
			t.Fatal(err)
		}
		again, failure := DecodeRequest(text, 1<<20)
		if failure != nil {
			t.Fatalf("%s: %v", text, failure)
		}
		if again.Argv == nil {
			again.Argv = []string{}
		}
		if req.Argv == nil {
			req.Argv = []string{}
		}
		if !reflect.DeepEqual(again, req) {
			t.Fatalf("got %+v, want %+v", again, req)
		}
	})
}

func TestReplyOnTheWire(t *testing.T) {
	for _, tc := range []struct {
		reply Reply
		want  string
	}{
		{Reply{}, `{"value":null,"text":"","output":""}`},
		{Reply{Value: json.RawMessage(`[1]`), Text: "[1]", Output: "hi\n"}, `{"value":[1],"text":"[1]","output":"hi\n"}`},
		{Reply{Value: json.RawMessage("[1,\n2]"), Text: "<&>"}, `{"value":[1,2],"text":"<&>","output":""}`},
		{Reply{Exit: 3}, `{"value":null,"text":"","output":"","exit":3}`},
		{Reply{Error: &Failure{Kind: "syntax", Message: "m", Where: "1:2"}}, `{"error":{"kind":"syntax","message":"m","where":"1:2"}}`},
		{Reply{Error: &Failure{Kind: "failed", Message: "m", Value: json.RawMessage(`[{"a":1}]`)}}, `{"value":[{"a":1}],"error":{"kind":"failed","message":"m"}}`},
		{Reply{Value: json.RawMessage("{\n"), Output: "o"}, `{"output":"o","error":{"kind":"failed","message":"cannot send the value: unexpected end of JSON input"}}`},
		{Reply{Trouble: &Trouble{HooksFailing: 1}}, `{"value":null,"text":"","output":"","trouble":{"hooks_failing":1}}`},
		{Reply{Text: "\xff"}, `{"value":null,"text":"\ufffd","output":""}`},
	} {
		got := string(appendReply(nil, tc.reply))
		if !strings.EqualFold(got, tc.want) {
			t.Errorf("got %s, want %s", got, tc.want)
		}
		if strings.ContainsAny(got, "\r\n") || !json.Valid([]byte(got)) {
			t.Errorf("not one line of JSON: %q", got)
		}
	}
}

func TestReportOfAFailureSurvivesTheWire(t *testing.T) {
	var got Reply
	if err := json.Unmarshal(appendReply(nil, Reply{Error: &Failure{Kind: "failed", Message: "m", Trace: []string{"f"}, Value: json.RawMessage(`[1]`)}}), &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Error.Value) != "[1]" || string(got.Value) != "[1]" || got.Error.Trace[0] != "f" {
		t.Errorf("got %+v %+v", got, got.Error)
	}
}

func TestTroubleSurvivesTheWire(t *testing.T) {
	want := Trouble{LogLinesLost: 3, HooksFailing: 1}
	var got Reply
	if err := json.Unmarshal(appendReply(nil, Reply{Trouble: &want}), &got); err != nil {
		t.Fatal(err)
	}
	if got.Trouble == nil || *got.Trouble != want {
		t.Errorf("got %+v", got.Trouble)
	}
}

func TestEveryKindHasItsStatusAndExitCode(t *testing.T) {
	for _, tc := range []struct {
		kinds        string
		status, exit int
	}{
		{"", 200, 0},
		{"failed index key value assertion raised whatever-a-script-raises", 500, 1},
		{"invalid syntax type arity unbound", 400, 2},
		{"too-large", 413, 2},
		{"not-found", 404, 4},
		{"forbidden", 403, 5},
		{"unauthorized", 401, 5},
		{"timeout", 504, 7},
		{"cancelled", 499, 7},
		{"budget", 422, 7},
		{"overloaded", 429, 7},
		{"conflict", 409, 8},
	} {
		for _, k := range strings.Split(tc.kinds, " ") {
			if StatusOf(k) != tc.status || ExitCode(k) != tc.exit {
				t.Errorf("%q: got %d and %d, want %d and %d", k, StatusOf(k), ExitCode(k), tc.status, tc.exit)
			}
		}
	}
	if ExitCode("unreachable") != 6 {
		t.Error("unreachable is not 6")
	}
	if len(Kinds()) < 20 {
		t.Errorf("kinds: %v", Kinds())
	}
}

func TestPlainTextCannotDriveATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"fine\tå\n":            "fine\tå\n",
		"\x1b[31mred\x07":      `\x1b[31mred\x07`,
		"a\rb\x7f\u009b1m":     `a\x0db\x7f\u009b1m`,
		"\u202egnp.exe\u2066x": `\u202egnp.exe\u2066x`,
		"\xff":                 "\ufffd",
	} {
		if got := Plain(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\t\x00\x7f\xff\u2028å😀\xf0\x9f")
	f.Fuzz(func(t *testing.T, s string) {
		text := appendString(nil, s)
		var got string
		if err := json.Unmarshal(text, &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && got != string([]rune(s)) {
			t.Fatalf("%q became %s, read as %q (%v)", s, text, got, err)
		}
		if strings.ContainsAny(string(text), "\r\n") {
			t.Fatalf("%q became several lines", s)
		}
	})
}
