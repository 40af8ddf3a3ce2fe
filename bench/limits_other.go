//go:build !unix

package bench

func openFilesLimit() uint64 { return 0 }
