package bench

import (
	"testing"

	"rmqbench/internal/leaks"
	"rmqbench/internal/waits"
)

func TestMain(m *testing.M) {
	waits.AtOnce(3)
	leaks.Main(m)
}
