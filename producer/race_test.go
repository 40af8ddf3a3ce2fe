//go:build race

package producer

func init() { raceDetector = true }
