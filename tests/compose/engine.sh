#!/usr/bin/env bash
# Runs a command beside a container engine of its own:    tests/compose/engine.sh make test-compose
#
# For a Debian machine on which no engine runs and from which no image registry can be reached; everywhere else
# `make test-compose` alone is better, with the real images. The images that our files name are made here from
# packages (stand_ins/): other builds and partly other versions of the same programs.
#
# The engine lives in a network namespace, with the command: its bridges, firewall rules and published ports do not
# touch the machine. slirp4netns gives it a way out, for the packages. What it makes stays in ENGINE_HOME.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
home=${ENGINE_HOME:-/var/tmp/llmbot-engine}
net=llmbot-$$
export DOCKER_HOST=unix://$home/docker.sock DOCKER_CONFIG=$home/config

main() {
    [ "$(id -u)" = 0 ] || { echo "An engine has to be started by root." >&2; exit 1; }
    mkdir -p "$home" "$DOCKER_CONFIG/cli-plugins"
    install_programs
    trap stop EXIT
    start_network
    start_engine
    make_images
    nsenter --net="/run/netns/$net" "$@"
}

install_programs() {
    local missing=() program
    for program in dockerd=docker.io slirp4netns=slirp4netns debootstrap=debootstrap iptables=iptables; do
        command -v "${program%=*}" > /dev/null || missing+=("${program#*=}")
    done
    [ ${#missing[@]} = 0 ] && return
    apt-get update -qq
    # RUNLEVEL=1 keeps the package from starting the machine's own engine.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "${missing[@]}"
}

start_network() {
    ip netns add "$net"
    slirp4netns --netns-type=path --configure --mtu=1500 --disable-host-loopback "/run/netns/$net" tap0 \
        > "$home/slirp4netns.log" 2>&1 &
    slirp=$!
}

start_engine() {
    # 10.0.2.3 is slirp4netns' own name server.
    nsenter --net="/run/netns/$net" dockerd --data-root "$home/data" --exec-root "$home/exec" \
        --host "$DOCKER_HOST" --pidfile "$home/docker.pid" --dns 10.0.2.3 > "$home/dockerd.log" 2>&1 &
    engine=$!
    for _ in $(seq 60); do
        docker version > /dev/null 2>&1 && return
        sleep 0.5
    done
    tail "$home/dockerd.log" >&2
    exit 1
}

stop() {
    kill ${engine:+"$engine"} ${slirp:+"$slirp"} 2> /dev/null || true
    wait
    ip netns delete "$net"
}

make_images() {
    docker image inspect debian:trixie-slim > /dev/null 2>&1 || make_debian
    [ -e "$DOCKER_CONFIG/cli-plugins/docker-compose" ] || take_compose_plugin
    local stand_in
    for stand_in in python postgres=pgvector/pgvector valkey=valkey/valkey qdrant=qdrant/qdrant infinity=michaelf34/infinity; do
        make_stand_in "${stand_in%=*}" "${stand_in#*=}"
    done
}

make_debian() {
    local tree=$home/debian
    rm -rf "$tree"
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv trixie "$tree"
    rm -r "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
    # Behind a proxy, a machine trusts certificates that a fresh Debian does not know.
    cp --dereference /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
    tar --directory "$tree" --create . \
        | docker import --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt' - debian:trixie-slim
    rm -rf "$tree"
}

take_compose_plugin() {
    docker rm --force compose-plugin > /dev/null 2>&1 || true
    docker run --name compose-plugin debian:trixie-slim \
        sh -c 'apt-get update -qq && apt-get install -qq --no-install-recommends docker-compose'
    docker cp compose-plugin:/usr/libexec/docker/cli-plugins/docker-compose "$DOCKER_CONFIG/cli-plugins/"
    docker rm compose-plugin
}

# make_stand_in NAME IMAGE: stand_ins/NAME.Dockerfile, under IMAGE with the tag that our files pin.
make_stand_in() {
    local image
    image=$(grep --no-filename --only-matching --perl-regexp "(FROM|image:) \K$2:\S+" \
        "$root"/Dockerfile "$root"/docker-compose.yml "$root"/docker/rag.yml | head -n 1)
    docker build --quiet --tag "$image" --file "$here/stand_ins/$1.Dockerfile" "$here/stand_ins"
}

main "$@"
