// Package nearest finds the word that a mistyped one was meant to be: for keys of scenario files, flags and commands.
package nearest

import "strings"

// longest bounds the words that are compared: the distance costs the product of both lengths.
const longest = 64

// Word gives the known word that word was probably meant to be, or "" if none is near: at most a third of the letters,
// and always one, may differ. Case counts for nothing. Between equals the first wins.
func Word(word string, known []string) string {
	return within(word, known, max(len(word)/3, 1))
}

// Any gives the nearest of the known words however far it is.
func Any(word string, known []string) string {
	return within(word, known, 2*longest)
}

func within(word string, known []string, most int) string {
	if len(word) > longest {
		return ""
	}
	best, bestDistance := "", most+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete, replace or swap with their neighbour that turn a into b (optimal string
// alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			replace := last[j]
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
