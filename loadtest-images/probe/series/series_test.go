package series

import (
	"math"
	"testing"
)

func TestThinningKeepsDifferencesAndPeaks(t *testing.T) {
	const samples = 86_400 // a day of one a second
	s := New(Counter, Gauge)
	peakAt := 50_000
	for i := range samples {
		gauge := 1.0
		if i == peakAt {
			gauge = 99
		}
		s.Add(uint64(i), float64(i), float64(i)/100, gauge)
	}
	if s.Len() > Limit || s.Len() < Limit/2-1 {
		t.Fatalf("%d rows", s.Len())
	}
	rows := s.Window(math.Inf(-1), math.Inf(1))
	if last := rows[len(rows)-1]; last[0] != samples-1 || last[1] != float64(samples-1)/100 {
		t.Errorf("the newest sample is lost: %v", last)
	}
	peak := 0.0
	for i, row := range rows {
		if row[1] != row[0]/100 {
			t.Fatalf("row %d: the counter is not the one of its time: %v", i, row)
		}
		if i > 0 && row[0] <= rows[i-1][0] {
			t.Fatalf("row %d is not after the one before", i)
		}
		peak = math.Max(peak, row[2])
	}
	if peak != 99 {
		t.Errorf("the peak is %v", peak)
	}
}

func TestGapsStay(t *testing.T) {
	s := New(Counter)
	for _, slot := range []uint64{0, 1, 2, 30, 31} {
		s.Add(slot, float64(slot), 0)
	}
	rows := s.Window(math.Inf(-1), math.Inf(1))
	if len(rows) != 5 || rows[3][0]-rows[2][0] != 28 {
		t.Errorf("rows = %v", rows)
	}
}

func TestThinningWithFarApartSlots(t *testing.T) {
	s := New(Counter)
	s.limit = 8
	for i := range uint64(40) {
		s.Add(i*1000, float64(i), float64(i))
	}
	if s.Len() > 8 || s.Window(39, 39)[len(s.Window(39, 39))-1][1] != 39 {
		t.Errorf("%d rows", s.Len())
	}
}

func TestWindow(t *testing.T) {
	s := New(Counter)
	for i := range 10 {
		s.Add(uint64(i), float64(i), float64(i*10))
	}
	tests := []struct {
		from, to    float64
		first, last float64
		rows        int
	}{
		{math.Inf(-1), math.Inf(1), 0, 9, 10},
		{3, 5, 2, 5, 4},
		{3.5, 5.5, 3, 5, 3},
		{-5, 0, 0, 0, 1},
		{20, 30, 9, 9, 1},
		{4.2, 4.4, 4, 4, 1},
	}
	for _, test := range tests {
		rows := s.Window(test.from, test.to)
		if len(rows) != test.rows || rows[0][0] != test.first || rows[len(rows)-1][0] != test.last {
			t.Errorf("Window(%v, %v) = %v", test.from, test.to, rows)
		}
	}
	if rows := s.Window(-9, -5); rows != nil {
		t.Errorf("before all samples: %v", rows)
	}
	if rows := New(Counter).Window(0, 1); rows != nil {
		t.Errorf("of nothing: %v", rows)
	}
}
