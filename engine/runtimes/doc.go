// Package runtimes installs and finds the llama.cpp libraries that Callama computes with.
//
// The libraries are upstream builds which npm packages carry. [Install] fetches one with the
// npm client, or takes a package file or a folder from disk, checks a package against the
// sha512 pinned in this package's table, and unpacks it into the user's cache folder in one
// step: a runtime is there completely or not at all. [Find] says which library a program should load.
//
// A runtime's folder holds the libraries, side by side as their run path ($ORIGIN) wants it,
// runtime.json, which says what they are, and two licences that must stay with them: LICENSE
// of the package, and LICENSE.llama.cpp. Whoever ships the libraries beside the executable
// ships these two files as well.
//
// The package needs no cgo and no llama.cpp. All its functions are safe for concurrent use, by
// processes too.
package runtimes
