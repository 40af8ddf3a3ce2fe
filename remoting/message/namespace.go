package message

import "strings"

// Namespaces of the first kind: "ns%name", with %RETRY% and %DLQ% before that; system topics and groups have none
// (NamespaceUtil.java).
const namespaceMark = "%"

// WrapNamespace puts a topic or group into namespace. Without a namespace or name, for what belongs to the system, and
// for what is in that namespace already it changes nothing.
func WrapNamespace(namespace, name string) string {
	if namespace == "" || name == "" || isSystemName(name) {
		return name
	}
	prefix, bare := cutRetry(name)
	if strings.HasPrefix(bare, namespace+namespaceMark) {
		return name
	}
	return prefix + namespace + namespaceMark + bare
}

// UnwrapNamespace takes a topic or group out of namespace, when it is in it. Of a namespace that holds a % itself only
// the part before it goes, as in Java.
func UnwrapNamespace(namespace, name string) string {
	if _, bare := cutRetry(name); namespace == "" || !strings.HasPrefix(bare, namespace+namespaceMark) {
		return name
	}
	return UnwrapAnyNamespace(name)
}

// UnwrapAnyNamespace takes a topic or group out of whatever namespace it is in.
func UnwrapAnyNamespace(name string) string {
	if isSystemName(name) {
		return name
	}
	prefix, bare := cutRetry(name)
	if namespace, rest, found := strings.Cut(bare, namespaceMark); found && namespace != "" {
		return prefix + rest
	}
	return name
}

// cutRetry cuts %RETRY% or %DLQ% off.
func cutRetry(name string) (prefix, bare string) {
	for _, prefix := range []string{RetryPrefix, DLQPrefix} {
		if bare, found := strings.CutPrefix(name, prefix); found {
			return prefix, bare
		}
	}
	return "", name
}

func isSystemName(name string) bool {
	return IsSystemTopic(name) || strings.HasPrefix(name, SystemGroupPrefix)
}
