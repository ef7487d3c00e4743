package runtimes

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// systemLibraryDirs lists the folders that the system's loader searches and that exist: those
// of LD_LIBRARY_PATH, of ld.so.conf, and the built-in ones.
func systemLibraryDirs() []string {
	var dirs []string
	add := func(list ...string) {
		for _, dir := range list {
			if filepath.IsAbs(dir) && !slices.Contains(dirs, dir) && isDir(dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	switch runtime.GOOS {
	case "darwin":
		add(filepath.SplitList(os.Getenv("DYLD_LIBRARY_PATH"))...)
		add("/opt/homebrew/lib", "/usr/local/lib")
	case "linux":
		add(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
		add(loaderConfigDirs("/etc/ld.so.conf", 0)...)
		add("/usr/local/lib", "/lib64", "/usr/lib64", "/lib", "/usr/lib")
	default:
		add(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))...)
		add("/usr/local/lib", "/usr/lib")
	}
	return dirs
}

// maxConfigDepth bounds how deep ld.so.conf files may include each other, in files; real
// systems have 2.
const maxConfigDepth = 8

// loaderConfigDirs reads the folders from a file in the form of ld.so.conf(5): a folder a
// line, # comments, and include lines with patterns. What cannot be read is skipped, as the
// loader does.
func loaderConfigDirs(file string, depth int) []string {
	if depth >= maxConfigDepth {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var dirs []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "include":
			for _, pattern := range fields[1:] {
				if !filepath.IsAbs(pattern) {
					pattern = filepath.Join(filepath.Dir(file), pattern)
				}
				included, err := filepath.Glob(pattern)
				if err != nil {
					continue
				}
				for _, name := range included {
					dirs = append(dirs, loaderConfigDirs(name, depth+1)...)
				}
			}
		default:
			dirs = append(dirs, fields[0])
		}
	}
	return dirs
}
