import os, select, socket, sys, time

kind, where = sys.argv[1:]
deadline = time.monotonic() + 20
while True:
    end = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET, socket.SOCK_STREAM)
    try:
        end.connect(where if kind == "unix" else ("127.0.0.1", int(where)))
        break
    except (ConnectionRefusedError, FileNotFoundError) as error:
        # Nothing tells when somebody begins to listen.
        if time.monotonic() > deadline:
            sys.exit(error.strerror)
        end.close()
        time.sleep(0.1)
    except OSError as error:
        sys.exit(error.strerror)
os.write(1, b"joined\n")
while True:
    readable, _, _ = select.select([0, end], [], [])
    if 0 in readable:
        data = os.read(0, 65536)
        if not data:
            sys.exit()
        end.sendall(data)
    if end in readable:
        data = end.recv(65536)
        if not data:
            sys.exit()
        while data:
            data = data[os.write(1, data):]
