#!/usr/bin/env bash
# Makes everything that is handed out, in target/dist, from the programs in target/forms (packaging/build.sh):
#
#   packaging/dist.sh [PROCESSOR…]     x86_64 and aarch64 by default
#
# RELEASE and HOMEPAGE are where a release is published; recipes name them.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/cross.sh

version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
summary="$(sed -n 's/^description = "\(.*\)"/\1/p' Cargo.toml)"
name=seqera-credential-helper
homepage="${HOMEPAGE:-https://github.com/seqeralabs/$name}"
release="${RELEASE:-$homepage/releases/download/v$version}"
maintainer="${MAINTAINER:-The $name authors <noreply@seqera.io>}"
dist="$PWD/target/dist"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Files have the time of the commit, so that the same source gives the same packages.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}"
export SOURCE_DATE_EPOCH

(($#)) || set -- x86_64 aarch64

# archive FOLDER OUT: the same bytes for the same files.
archive() {
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$(dirname "$1")" \
        -c "$(basename "$1")" | gzip -9n >"$2"
}

sum() { sha256sum "$dist/$1" 2>/dev/null | cut -d ' ' -f 1; }

# render FILE [NAME=VALUE…]
render() {
    local file="$1" pair text
    shift
    text="$(<"packaging/$file")"
    for pair in VERSION="$version" SUMMARY="$summary" HOME="$homepage" RELEASE="$release" "$@"; do
        text="${text//@${pair%%=*}@/${pair#*=}}"
    done
    printf '%s\n' "$text"
}

# stage PROGRAMS FOLDER PREFIX [MAKE VARIABLE…]: what `make install` puts where.
stage() {
    make --silent -o build install PROGRAMS="$1" DESTDIR="$2" PREFIX="$3" "${@:4}"
}

# documents FOLDER PROCESSOR: what has to come along with the programs.
documents() {
    mkdir -p "$1"
    cp LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md "$work/$2/THIRD-PARTY-LICENSES" "$1"
    cp "$dist/$name-$version-$2-linux.cdx.json" "$1/sbom.cdx.json"
}

tarball() {
    local folder="$work/$1/$name-$version-$1-linux"
    stage "$programs" "$folder" ""
    documents "$folder/share/doc/$name" "$1"
    archive "$folder" "$dist/$name-$version-$1-linux.tar.gz"
}

# The folders of /usr with the pages compressed, as distributions have them.
system_stage() {
    local root="$work/$1/root" page
    [[ -d $root ]] && return
    stage "$programs" "$root" /usr "ZSH_COMPLETIONS=/usr/share/zsh/$2"
    documents "$root/usr/share/doc/$name" "$1"
    for page in "$root"/usr/share/man/man*/*; do
        if [[ -L $page ]]; then
            ln -s "$(readlink "$page").gz" "$page.gz"
            rm "$page"
        else
            gzip -9n "$page"
        fi
    done
}

deb() {
    local root="$work/$1/root" architecture
    case "$1" in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; esac
    system_stage "$1" vendor-completions
    mkdir -p "$root/DEBIAN"
    cat LICENSE-MIT LICENSE-APACHE >"$root/usr/share/doc/$name/copyright"
    render recipes/control ARCHITECTURE="$architecture" MAINTAINER="$maintainer" \
        SIZE="$(du -sk "$root/usr" | cut -f 1)" >"$root/DEBIAN/control"
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$root" "$dist/${name}_${version}_$architecture.deb" >/dev/null
    rm -r "$root"
}

rpm() {
    local root="$work/$1/root"
    system_stage "$1" site-functions
    render recipes/$name.spec >"$work/$1/$name.spec"
    find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
    (cd "$root" && find . -mindepth 1 \( -type f -o -type l \) -printf '/%P\n' | sort) >"$work/$1/files"
    rpmbuild -bb --quiet --target "$1" --define "_topdir $work/$1/rpm" --define "stage $root" \
        --define "listed $work/$1/files" --define "_rpmdir $dist" --define "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm" \
        --define "_buildhost localhost" --define "_binary_payload w9.xzdio" --define "use_source_date_epoch_as_buildtime 1" \
        --define "clamp_mtime_to_source_date_epoch 1" "$work/$1/$name.spec" >/dev/null 2>"$work/rpmbuild" \
        || { cat "$work/rpmbuild" >&2 && return 1; }
    rm -r "$root"
}

wheel() {
    local share="$work/$1/share"
    stage "$programs" "$work/$1/wheel" ""
    cp -a "$work/$1/wheel/share" "$share"
    mkdir -p "$share/doc/$name"
    cp "$work/$1/THIRD-PARTY-LICENSES" "$share/doc/$name"
    packaging/wheel.py "$programs" "$share" "manylinux2014_$1.manylinux_2_17_$1.musllinux_1_1_$1" "$dist" >/dev/null
}

# The package of one platform, and the one that a person installs, which fetches the right one.
npm_platform() {
    local folder="$work/$1/npm" cpu
    case "$1" in x86_64) cpu=x64 ;; aarch64) cpu=arm64 ;; esac
    mkdir -p "$folder/bin"
    cp "$programs/seqera" "$programs/$name" "$folder/bin"
    cp LICENSE-* "$work/$1/THIRD-PARTY-LICENSES" "$folder"
    cat >"$folder/package.json" <<-JSON
		{
		  "name": "$name-linux-$cpu", "version": "$version", "license": "MIT OR Apache-2.0",
		  "description": "The programs of $name for Linux on $cpu",
		  "os": ["linux"], "cpu": ["$cpu"], "files": ["bin", "THIRD-PARTY-LICENSES"]
		}
	JSON
    (cd "$folder" && npm pack --silent --pack-destination "$dist" >/dev/null)
}

npm_package() {
    local folder="$work/npm" called bins=()
    mkdir -p "$folder/bin"
    cp packaging/npm/platform.js packaging/npm/install.js packaging/names README.md LICENSE-* "$folder"
    for called in seqera $name $(cut -d ' ' -f 1 packaging/names); do
        cp packaging/npm/start.js "$folder/bin/$called"
        chmod 755 "$folder/bin/$called"
        bins+=("\"$called\": \"bin/$called\"")
    done
    cat >"$folder/package.json" <<-JSON
		{
		  "name": "$name", "version": "$version", "license": "MIT OR Apache-2.0", "description": "$summary",
		  "homepage": "$homepage", "files": ["bin", "install.js", "platform.js", "names"],
		  "scripts": {"postinstall": "node install.js"},
		  "bin": {$(IFS=, && echo "${bins[*]}")},
		  "optionalDependencies": {"$name-linux-x64": "$version", "$name-linux-arm64": "$version"}
		}
	JSON
    (cd "$folder" && npm pack --silent --pack-destination "$dist" >/dev/null)
}

recipes() {
    local recipe
    mkdir -p "$dist/recipes/conda" "$dist/recipes/modulefiles/$name"
    git archive --format=tar --prefix="$name-$version/" HEAD | gzip -9n >"$dist/$name-$version.tar.gz"
    for recipe in "$name.rb" "$name.eb" meta.yaml modulefile Containerfile; do
        render "recipes/$recipe" SOURCE_SHA256="$(sum "$name-$version.tar.gz")" \
            X86_64_SHA256="$(sum "$name-$version-x86_64-linux.tar.gz")" \
            AARCH64_SHA256="$(sum "$name-$version-aarch64-linux.tar.gz")" >"$dist/recipes/$recipe"
    done
    mv "$dist/recipes/meta.yaml" "$dist/recipes/conda"
    mv "$dist/recipes/modulefile" "$dist/recipes/modulefiles/$name/$version"
    # EasyBuild reads name and version from the file's name.
    mv "$dist/recipes/$name.eb" "$dist/recipes/$name-$version.eb"
}

rm -rf "$dist"
mkdir -p "$dist"
for processor; do
    programs="$PWD/target/forms/$processor-unknown-linux-musl"
    [[ -x $programs/seqera ]] || fail "first: packaging/build.sh $processor-unknown-linux-musl"
    mkdir -p "$work/$processor"
    packaging/inventory.py licences "$processor-unknown-linux-musl" >"$work/$processor/THIRD-PARTY-LICENSES"
    packaging/inventory.py sbom "$processor-unknown-linux-musl" >"$dist/$name-$version-$processor-linux.cdx.json"
    tarball "$processor"
    deb "$processor"
    rpm "$processor"
    wheel "$processor"
    npm_platform "$processor"
done
npm_package
recipes
(cd "$dist" && find . -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum) >"$work/sums"
mv "$work/sums" "$dist/SHA256SUMS"
say "$(wc -l <"$dist/SHA256SUMS") files in ${dist#"$PWD/"}"
