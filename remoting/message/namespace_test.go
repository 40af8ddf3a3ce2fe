package message

import (
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorNamespace(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Namespace, Resource                                string
		ExpectedWrapped, ExpectedUnwrapped, ExpectedUnwrappedAny string
	}](t, "namespace.json") {
		wrapped := WrapNamespace(tt.Namespace, tt.Resource)
		if wrapped != tt.ExpectedWrapped {
			t.Errorf("%s: WrapNamespace(%q, %q) = %q, want %q", tt.Name, tt.Namespace, tt.Resource, wrapped, tt.ExpectedWrapped)
		}
		if twice := WrapNamespace(tt.Namespace, wrapped); twice != wrapped {
			t.Errorf("%s: wrapped twice %q becomes %q", tt.Name, wrapped, twice)
		}
		if got := UnwrapNamespace(tt.Namespace, tt.Resource); got != tt.ExpectedUnwrapped {
			t.Errorf("%s: UnwrapNamespace(%q, %q) = %q, want %q", tt.Name, tt.Namespace, tt.Resource, got, tt.ExpectedUnwrapped)
		}
		if got := UnwrapAnyNamespace(tt.Resource); got != tt.ExpectedUnwrappedAny {
			t.Errorf("%s: UnwrapAnyNamespace(%q) = %q, want %q", tt.Name, tt.Resource, got, tt.ExpectedUnwrappedAny)
		}
	}
}

func TestUnwrapNamespace(t *testing.T) {
	for _, tt := range []struct{ namespace, name, want string }{
		{"ns", "ns%topic", "topic"},
		{"ns", "%RETRY%ns%group", "%RETRY%group"},
		{"ns", "%DLQ%ns%group", "%DLQ%group"},
		{"ns", "other%topic", "other%topic"},
		{"", "ns%topic", "ns%topic"},
		{"a%b", "a%b%topic", "b%topic"},
		{"ns", "%topic", "%topic"},
	} {
		if got := UnwrapNamespace(tt.namespace, tt.name); got != tt.want {
			t.Errorf("UnwrapNamespace(%q, %q) = %q, want %q", tt.namespace, tt.name, got, tt.want)
		}
	}
}
