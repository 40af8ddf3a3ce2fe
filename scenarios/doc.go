// Package scenarios loads, checks and expands scenario files, and is the one place where a load parameter is parsed,
// given its default and validated, whether a file or a command-line flag named it.
//
// A scenario is strict YAML: [Load] refuses what it does not know, says where (file, line, column) and what is nearest,
// and reports every fault at once as [Faults]. Flags come as [Override]s and pass the same checks. Files are bounded (yaml.go),
// so that a hostile one costs milliseconds.
//
// A file has a base and may have cases, each of which overrides the base key by key and is run by itself. [Fields] documents
// the keys.
package scenarios
