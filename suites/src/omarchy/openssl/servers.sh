# Two TLS servers on the loopback, `known` and `unknown`, each with an authority of its own.
set -eu
mkdir -p /run/assay-tls
cd /run/assay-tls
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'

# $1: a name, $2: a port
serve() {
    openssl req -x509 $key -keyout "$1-authority.key" -out "$1-authority.pem" -subj "/CN=$1 authority"
    openssl req -x509 -CA "$1-authority.pem" -CAkey "$1-authority.key" $key -keyout "$1.key" -out "$1.pem" \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE
    systemd-run --quiet --same-dir openssl s_server -accept "127.0.0.1:$2" -cert "$1.pem" -key "$1.key" -www
    timeout 30 bash -c "until (: </dev/tcp/127.0.0.1/$2) 2>/dev/null; do sleep 0.1; done"
}

serve known 44301
serve unknown 44302
