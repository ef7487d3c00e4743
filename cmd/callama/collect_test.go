package main

import "testing"

func TestRoomPercent(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name       string
		live, room uint64
		want       int
	}{
		{"nothing is live", 0, 80 * mib, maxPercent},
		{"next to nothing", 1, 80 * mib, maxPercent},
		{"a quarter", 20 * mib, 80 * mib, 300},
		{"just half", 40 * mib, 80 * mib, 100},
		{"more than half", 50 * mib, 80 * mib, 60},
		{"most", 60 * mib, 80 * mib, 50},
		{"more than all", 200 * mib, 80 * mib, 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := roomPercent(tt.live, tt.room); got != tt.want {
				t.Errorf("%d of %d live: %d %%, want %d", tt.live, tt.room, got, tt.want)
			}
		})
	}
}
