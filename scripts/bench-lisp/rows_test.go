package main

import "testing"

// TestAllLanguagesAgree: what is compared is the same work, so every program of a row gives the row's answer.
func TestAllLanguagesAgree(t *testing.T) {
	for _, r := range rows {
		done := 0
		for _, c := range contenders {
			run, err := r.prepare(c)
			if err != nil {
				t.Fatalf("%s in %s: %v", r.name, c.name, err)
			}
			if run == nil {
				continue
			}
			done++
			for range 2 {
				if err := run(); err != nil {
					t.Errorf("%s in %s: %v", r.name, c.name, err)
				}
			}
		}
		if done < 2 {
			t.Errorf("%s is compared with nothing", r.name)
		}
	}
}
