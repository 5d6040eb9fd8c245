package release

import "runtime/debug"

// version is what the linker puts into a build that does not know its own, such as that of
// an image.
var version string

// Version is the version of the linker, else that of the module, else devel. Commit is the
// revision of the checkout, empty where the build had none.
func Version() (name, commit string) {
	name = "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		if info.Main.Version != "" && info.Main.Version != "(devel)" {
			name = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	if version != "" {
		name = version
	}
	return name, commit
}
