package results

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// SchemaURL names the JSON Schema of the record.
const SchemaURL = "urn:" + Schema

// JSONSchema is the JSON Schema (2020-12) of run.json, made from the types that are written. Fields that it doesn't name are
// allowed, since later versions of the same schema add some.
func JSONSchema() []byte { return jsonSchema(false) }

// jsonSchema refuses, if strict, fields that the types don't have.
func jsonSchema(strict bool) []byte {
	b := schemaBuilder{strict: strict, defs: map[string]any{}}
	root := b.object(reflect.TypeFor[Run]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = SchemaURL
	root["title"] = "A run of rmqbench"
	root["$defs"] = b.defs
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, slices and strings
	}
	return append(text, '\n')
}

type schemaBuilder struct {
	strict bool
	defs   map[string]any // by the type's name
}

// of is the schema of a type. Structures go into defs; a name is there before its fields are looked at.
func (b *schemaBuilder) of(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	case reflect.TypeFor[Verdict]():
		return map[string]any{"enum": fromBest}
	case reflect.TypeFor[ListHash]():
		return map[string]any{"type": "string", "pattern": "^[0-9a-f]{16}$"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{b.of(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Slice:
		return map[string]any{"type": []string{"array", "null"}, "items": b.of(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": b.of(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Map:
		return map[string]any{"type": []string{"object", "null"}, "additionalProperties": b.of(t.Elem())}
	case reflect.Struct:
		if _, ok := b.defs[t.Name()]; !ok {
			b.defs[t.Name()] = nil
			b.defs[t.Name()] = b.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	}
	panic("results: no JSON Schema for " + t.String())
}

// object is a structure's own schema. Embedded structures' fields are its own, as in JSON.
func (b *schemaBuilder) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, map[string]bool{}
	b.fields(t, properties, required)
	object := map[string]any{"type": "object", "properties": properties, "required": slices.Sorted(maps.Keys(required))}
	if b.strict {
		object["additionalProperties"] = false
	}
	return object
}

func (b *schemaBuilder) fields(t reflect.Type, properties map[string]any, required map[string]bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			b.fields(f.Type, properties, required)
			continue
		}
		if name == "-" || !f.IsExported() {
			continue
		}
		property := b.of(f.Type)
		if what, ok := definitions[name]; ok {
			property["description"] = what
		}
		if name == "schema" && t == reflect.TypeFor[Run]() {
			property["const"] = Schema
		}
		properties[name] = property
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			required[name] = true
		}
	}
}
