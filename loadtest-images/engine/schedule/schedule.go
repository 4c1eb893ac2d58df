// Package schedule says when arrivals are due.
package schedule

// Rate is arrivals a second of the whole fleet, going evenly from From to To in Seconds.
type Rate struct{ From, To, Seconds float64 }
