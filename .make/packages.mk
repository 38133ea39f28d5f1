# What leaves the house: licences, man page, completions, packages, the release.

build/gen/licenses.txt: .make/licenses.sh src/third_party/pins src/base/version.h LICENSE | $(LIBRARIES)/SOURCES
	@mkdir -p $(@D)
	@.make/licenses.sh $@
