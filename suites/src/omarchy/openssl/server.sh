# A TLS server on the loopback, with an authority of its own, and another authority.
set -eu
mkdir -p /run/assay-tls
cd /run/assay-tls
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
for name in authority another-authority; do
    openssl req -x509 $key -keyout "$name.key" -out "$name.pem" -subj "/CN=$name"
done
openssl req -x509 -CA authority.pem -CAkey authority.key $key -keyout server.key -out server.pem \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE
systemd-run --quiet --same-dir openssl s_server -accept 127.0.0.1:44301 -cert server.pem -key server.key -www
timeout 30 bash -c 'until (: </dev/tcp/127.0.0.1/44301) 2>/dev/null; do sleep 0.1; done'
