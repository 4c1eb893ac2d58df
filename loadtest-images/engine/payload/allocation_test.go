//go:build !race

package payload

import "testing"

// Not with the race detector: its pools forget at random.
func TestACheckAllocatesNothing(t *testing.T) {
	want := "hi"
	check, err := NewCheck("choices[0].message.content", &want)
	if err != nil {
		t.Fatal(err)
	}
	answer := []byte(`{"choices":[{"message":{"content":"hi"}}]}`)
	check.Fails(answer)
	if n := testing.AllocsPerRun(200, func() {
		if check.Fails(answer) != "" {
			t.Error("it fails")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
