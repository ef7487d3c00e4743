package cuda

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// ToolkitLibrary is one run-time library of a CUDA toolkit.
type ToolkitLibrary struct {
	Name string `json:"name"` // its soname, as in "libcudart.so.13"
	// Path is what opened: the soname, if the system's loader finds it, or a file in one of
	// the usual folders. Empty means missing.
	Path string `json:"path,omitempty"`
	// Err says why a library that is there did not open.
	Err error `json:"-"`
}

// Toolkit is what a machine has of one major version of the CUDA toolkit's run-time libraries.
type Toolkit struct {
	Major     int              `json:"major"`
	Libraries []ToolkitLibrary `json:"libraries"`
}

// Missing names the libraries that cannot be used, each with the reason if it is there and
// broken; it is empty if the toolkit is complete.
func (t Toolkit) Missing() []string {
	var out []string
	for _, l := range t.Libraries {
		switch {
		case l.Path != "":
		case l.Err != nil:
			out = append(out, fmt.Sprintf("%s (%v)", l.Name, l.Err))
		default:
			out = append(out, l.Name)
		}
	}
	return out
}

// LoadToolkit opens the run-time libraries of the CUDA toolkit of a major version (12, 13):
// libcudart, libcublasLt and libcublas, by soname and then in dirs; nil dirs are
// [ToolkitDirs]. They stay open for the life of the process. That is the point: a
// library that needs one of them by soname, as llama.cpp's CUDA backend does, then gets the
// opened one, even from a folder that the loader does not search.
func LoadToolkit(major int, dirs []string) Toolkit {
	if dirs == nil {
		dirs = ToolkitDirs(major)
	}
	t := Toolkit{Major: major}
	// libcublas needs libcublasLt, so that one comes first.
	for _, stem := range []string{"libcudart", "libcublasLt", "libcublas"} {
		t.Libraries = append(t.Libraries, loadToolkitLibrary(fmt.Sprintf("%s.so.%d", stem, major), dirs))
	}
	return t
}

func loadToolkitLibrary(soname string, dirs []string) ToolkitLibrary {
	out := ToolkitLibrary{Name: soname}
	_, err := openLibrary(soname)
	if err == nil {
		out.Path = soname
		return out
	}
	if !errors.Is(err, errAbsent) {
		out.Err = err
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, soname)
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if _, err := openLibrary(path); err != nil {
			out.Err = err
			continue
		}
		out.Path, out.Err = path, nil
		return out
	}
	return out
}

// ToolkitDirs lists the folders of this machine where the run-time libraries of a CUDA toolkit
// of the given major version usually are, and that exist: those that CUDA_HOME and CUDA_PATH
// point to, the installers' folders, and the wheels of the Python that is first on PATH,
// through which many machines have CUDA at all.
func ToolkitDirs(major int) []string {
	var patterns []string
	for _, env := range []string{"CUDA_HOME", "CUDA_PATH", "CONDA_PREFIX"} {
		if root := os.Getenv(env); filepath.IsAbs(root) {
			patterns = append(patterns, filepath.Join(root, "lib64"), filepath.Join(root, "lib"))
		}
	}
	for _, root := range []string{
		fmt.Sprintf("/usr/local/cuda-%d", major), fmt.Sprintf("/usr/local/cuda-%d.*", major), "/usr/local/cuda", "/opt/cuda",
	} {
		patterns = append(patterns, filepath.Join(root, "lib64"), filepath.Join(root, "targets", "*-linux", "lib"))
	}
	for _, site := range pythonSites() {
		patterns = append(patterns,
			filepath.Join(site, "nvidia", fmt.Sprintf("cu%d", major), "lib"),
			filepath.Join(site, "nvidia", "cuda_runtime", "lib"),
			filepath.Join(site, "nvidia", "cublas", "lib"))
	}
	var dirs []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil { // a folder's own name is a bad pattern
			continue
		}
		slices.Reverse(found) // newest minor version first
		for _, dir := range found {
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

// pythonSites are patterns of the package folders of the active Python environment and of the
// python3 on PATH.
func pythonSites() []string {
	var roots []string
	if env := os.Getenv("VIRTUAL_ENV"); filepath.IsAbs(env) {
		roots = append(roots, env)
	}
	if python, err := exec.LookPath("python3"); err == nil {
		// Not resolved: a virtual environment's python is a link out of it.
		roots = append(roots, filepath.Dir(filepath.Dir(python)))
	}
	var out []string
	for _, root := range roots {
		for _, site := range []string{"site-packages", "dist-packages"} {
			out = append(out, filepath.Join(root, "lib", "python3*", site))
		}
	}
	return out
}
