package message

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorHash(t *testing.T) {
	type hashCase struct {
		Name, Kind, ArgType string
		Arg                 lazy[any]
		HashCode            int32
		Expected            int64
		Picks               map[string]int
		Picks451            map[string]json.RawMessage // a number, or "throws"
	}
	for _, tt := range vectors.Load[hashCase](t, "hash.json") {
		t.Run(tt.Name, func(t *testing.T) {
			arg, _ := tt.Arg.decode(t).(string)
			switch tt.Kind {
			case "tagscode":
				if got := TagsCode(arg); got != tt.Expected {
					t.Errorf("TagsCode(%q) = %d, want %d", arg, got, tt.Expected)
				}
				return
			case "shardingkey":
				for count, want := range tt.Picks {
					if got := ShardingPick(arg, atoi(t, count)); got != want {
						t.Errorf("ShardingPick(%q, %s) = %d, want %d", arg, count, got, want)
					}
				}
				return
			}
			var hash int32
			switch tt.ArgType {
			case "String":
				hash = JavaHash(arg)
			case "Integer":
				hash = int32(atoi(t, arg))
			case "Long":
				hash = JavaHashLong(int64(atoi(t, arg)))
			case "Boolean":
				hash = JavaHashBool(arg == "true" || tt.Arg.decode(t) == true)
			default:
				t.Fatalf("unknown type %q", tt.ArgType)
			}
			if hash != tt.HashCode {
				t.Errorf("hash %d, want %d", hash, tt.HashCode)
			}
			for count, want := range tt.Picks {
				if got := HashPick(hash, atoi(t, count)); got != want {
					t.Errorf("HashPick(%d, %s) = %d, want %d", hash, count, got, want)
				}
			}
			for count, want := range tt.Picks451 {
				got, ok := HashPick451(hash, atoi(t, count))
				if throws := string(want) == `"throws"`; throws == ok || ok && strconv.Itoa(got) != string(want) {
					t.Errorf("HashPick451(%d, %s) = %d, %v, want %s", hash, count, got, ok, want)
				}
			}
		})
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestJavaHashCodeUnits(t *testing.T) {
	for s, want := range map[string]int32{"😀": 31*0xD83D + 0xDE00, "a😀": 31*(31*'a'+0xD83D) + 0xDE00, "\uFFFD": 0xFFFD, "\xff": 0xFFFD} {
		if got := JavaHash(s); got != want {
			t.Errorf("JavaHash(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestCompareJava(t *testing.T) {
	sorted := []string{"", "A", "AA", "a", "é", "퟿", "😀", "😁", "\uE000", "\uFFFD"} // 😀 begins with the unit D83D
	for i, a := range sorted {
		for j, b := range sorted {
			if got := CompareJava(a, b); sign(got) != sign(i-j) {
				t.Errorf("CompareJava(%q, %q) = %d, want the sign of %d", a, b, got, i-j)
			}
		}
	}
	shuffled := []string{"\uE000", "b", "😀", "a"}
	slices.SortFunc(shuffled, CompareJava)
	if want := []string{"a", "b", "😀", "\uE000"}; !slices.Equal(shuffled, want) {
		t.Errorf("sorted %q, want %q", shuffled, want)
	}
}

func sign(n int) int { return max(min(n, 1), -1) }
