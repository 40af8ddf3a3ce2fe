package broker

import (
	"testing"

	"rmqbench/internal/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }
