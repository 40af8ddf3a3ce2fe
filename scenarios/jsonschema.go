package scenarios

import (
	"encoding/json"
	"maps"
	"strings"
)

// form is a JSON Schema. What YAML reads as a number or a boolean may be a text to us, such as the name 5.
type form map[string]any

// variableForm is a text that an environment variable is part of.
var variableForm = form{"type": "string", "pattern": `\$\{`}

var textForm = form{"type": []string{"string", "number", "boolean"}}

// matching is a text that expr matches.
func matching(expr string) form {
	return form{"type": []string{"string", "number", "boolean"}, "pattern": expr}
}

var (
	decimal        = `[0-9]+(\.[0-9]+)?`
	sizeForm       = form{"type": []string{"string", "integer"}, "minimum": 0, "pattern": `^` + decimal + `(B|kB|MB|GB|KiB|MiB|GiB)?$`}
	offForm        = form{"anyOf": []any{sizeForm, form{"enum": []any{"off", false}}}}
	durationForm   = form{"anyOf": []any{form{"type": "string", "pattern": `^(0|(` + decimal + `(d|h|m|s|ms|us|µs|μs|ns))+)$`}, form{"const": 0}}}
	oneRate        = decimal + `[kMG]?/[0-9a-zµμ.]+`
	rateForm       = form{"type": "string", "pattern": `^` + oneRate + `$`}
	ratesForm      = form{"type": "string", "pattern": `^` + decimal + `[kMG]?/[0-9a-zµμ]+(\.[0-9]+[a-zµμ]+)?(\.\.` + oneRate + `)?$`}
	shareForm      = form{"type": "number", "minimum": 0, "maximum": 1}
	percentForm    = form{"type": "string", "pattern": `^` + decimal + `%$`}
	seedForm       = form{"type": "integer", "minimum": 0}
	yesNoForm      = form{"type": "boolean"}
	workersForm    = form{"anyOf": []any{form{"type": "integer", "minimum": 1, "maximum": maxWorkers}, form{"const": "auto"}}}
	versionForm    = form{"const": 1}
	addressForm    = form{"type": "string", "pattern": `:[0-9]+$`}
	nameServerForm = form{"type": "string", "pattern": `^https?://|:[0-9]+$`}
	skewForm       = form{"type": "string", "pattern": `^(uniform|sequence|zipf\(.+\)|hot\(.+\))$`}
	demandForm     = form{"type": "string", "pattern": `^[a-z0-9.]+ *[<>]`}
)

// wordsForm is one of some words. YAML may read one of them as a boolean.
func wordsForm(known []string) form {
	var all []any
	for _, w := range known {
		all = append(all, w)
		if w == "true" || w == "false" {
			all = append(all, w == "true")
		}
	}
	return form{"enum": all}
}

// scalarForm is a value of a kind, or a text with an environment variable.
func scalarForm[V any](k kind[V]) form {
	f := k.form
	if f == nil {
		return textForm // an environment variable is one too
	}
	return form{"anyOf": []any{f, variableForm}}
}

// objectForm is a mapping with fields and no other keys.
func objectForm[T any](fields []field[T]) form {
	properties, required := form{}, []string{}
	for _, f := range fields {
		properties[f.key] = f.described()
		if f.must {
			required = append(required, f.key)
		}
	}
	o := form{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// described is a field's schema with its documentation.
func (f field[T]) described() form {
	d := form{"description": f.help + "; " + f.kind}
	if f.def != "" {
		d["description"] = f.help + "; " + f.kind + "; default " + f.def
	}
	maps.Copy(d, f.form())
	return d
}

func listForm(item form) form {
	return form{"type": "array", "minItems": 1, "maxItems": maxItems, "items": item}
}

// formAt is the schema of the field at path: that of the tables, or of what changes the stages.
func formAt(path string) form {
	if key, ok := strings.CutPrefix(path, "load."); ok {
		for _, f := range stageFlagFields {
			if f.key == key {
				return f.form()
			}
		}
	}
	at := objectForm(caseFields)
	for key := range strings.SplitSeq(path, ".") {
		at = propertyOf(at, key)
	}
	return at
}

// propertyOf is a key's schema, in an object's or in that of one of several forms.
func propertyOf(of form, key string) form {
	if properties, ok := of["properties"].(form); ok {
		if p, ok := properties[key].(form); ok {
			return p
		}
	}
	alternatives, _ := of["anyOf"].([]any)
	for _, alternative := range alternatives {
		if p := propertyOf(alternative.(form), key); p != nil {
			return p
		}
	}
	return nil
}

// matrixForm is the schema of a matrix, by the paths that an axis may have.
func matrixForm() form {
	axes, choices := form{}, form{}
	for _, path := range variable() {
		choices[path] = form{"$ref": "#/$defs/" + path}
		axes[path] = listForm(form{"$ref": "#/$defs/" + path})
	}
	combination := form{"type": "object", "minProperties": 1, "properties": choices, "additionalProperties": false}
	axes[excludeKey] = listForm(combination)
	axes[includeKey] = listForm(combination)
	for _, f := range matrixFields()[1:] {
		key := strings.TrimPrefix(f.Path, "matrix.")
		axes[key] = merged(axes[key].(form), form{"description": f.Help})
	}
	return form{"type": "object", "minProperties": 1, "properties": axes, "additionalProperties": false}
}

func merged(f, more form) form {
	both := maps.Clone(f)
	maps.Copy(both, more)
	return both
}

// JSONSchema gives the JSON Schema (draft 2020-12) of scenario files, for editors, made of the tables that [Load] reads by. It
// knows keys, types, units, words and bounds; what is wrong between fields only Load knows.
func JSONSchema() ([]byte, error) {
	root := objectForm(scenarioFields)
	delete(root, "required")
	properties := root["properties"].(form)
	whole := map[string]form{
		"extends": textForm,
		"cases":   {"type": "array", "maxItems": maxItems, "items": objectForm(overlayFields)}, // may be empty: see extends
		"matrix":  merged(matrixForm(), form{"minProperties": 0}),
	}
	for _, f := range Fields() {
		if w, ok := whole[f.Path]; ok {
			properties[f.Path] = merged(w, form{"description": f.Help})
		}
	}
	root["anyOf"] = []any{form{"required": []string{"version", "name"}}, form{"required": []string{"extends"}}}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "A scenario of rmqbench"
	defs := form{}
	for _, path := range variable() {
		defs[path] = formAt(path)
	}
	root["$defs"] = defs
	return json.MarshalIndent(root, "", " ")
}
