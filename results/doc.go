// Package results is the record of a run: what was sent, what came of it and how long it took, what the numbers are
// worth, and the files and the table that say so. All but Dir and Read are functions of their arguments:
// no clock, no disk.
//
// Units are in the names: integer nanoseconds and bytes, shares from 0 to 1, UTC. A value that is not known is null or
// left out, never zero.
package results
