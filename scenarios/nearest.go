package scenarios

import "strings"

// nearest gives the known word that word was probably meant to be, or "" if none is near: at most a third of the letters,
// and always one, differ. Case counts for nothing. Between equals the first wins.
func nearest(word string, known []string) string {
	const longest = 64 // no key is longer, and the distance costs the product of both lengths
	if len(word) > longest {
		return ""
	}
	best, bestDistance := "", max(len(word)/3, 1)+1
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete or replace that turn a into b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // row[j] is the distance of the part of a seen so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			row[j+1] = min(replace, above+1, row[j]+1)
			diagonal = above
		}
	}
	return row[len(b)]
}
