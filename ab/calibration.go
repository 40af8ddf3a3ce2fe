package ab

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rmqbench/results"
)

// calibrationSchema is the version of a stored Calibration.
const calibrationSchema = "rmqbench.calibration/1"

// fresh is how long a calibration is trusted: a machine changes.
const fresh = 7 * 24 * time.Hour

// Calibration is how much a thing on a machine differs from itself.
type Calibration struct {
	Schema  string                 `json:"schema"`
	Host    string                 `json:"host_fingerprint"`
	Thing   string                 `json:"thing"` // as it was described: a command line, or a scenario as resolved
	At      time.Time              `json:"at"`
	Rounds  int                    `json:"rounds"`
	Spreads []results.StoredSpread `json:"spreads"`
}

// path is where a thing's calibration on a host is kept: in the user's cache.
func calibrationPath(host, thing string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("calibration: %w", err)
	}
	sum := sha256.Sum256([]byte(thing))
	return filepath.Join(cache, "rmqbench", "calibration", filepath.Base(host)+"-"+hex.EncodeToString(sum[:8])+".json"), nil
}

// Store keeps c for later and returns where.
func (c *Calibration) Store() (string, error) {
	path, err := calibrationPath(c.Host, c.Thing)
	if err != nil {
		return "", err
	}
	c.Schema = calibrationSchema
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", fmt.Errorf("calibration: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return "", fmt.Errorf("calibration: %w", err)
	}
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, append(text, '\n'), 0o666); err != nil {
		return "", fmt.Errorf("calibration: %w", err)
	}
	return path, os.Rename(temporary, path)
}

// Calibrated finds a thing's calibration on a host; nil if there is none, or none that is younger than a week.
func Calibrated(host, thing string, now time.Time) *Calibration {
	path, err := calibrationPath(host, thing)
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	c := &Calibration{}
	if json.Unmarshal(text, c) != nil || c.Schema != calibrationSchema || c.Host != host || c.Thing != thing || now.Sub(c.At).Abs() > fresh {
		return nil
	}
	return c
}
