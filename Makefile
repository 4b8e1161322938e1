# Short names for what the scripts do; the scripts are what CI and the README call.
.PHONY: run test slow lint format types bench clean

run:
	./quake
test:
	sh tools/test
slow:
	sh tools/test -m slow
lint:
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
format:
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .
types:
	sh tools/types
bench:
	.venv/bin/python benchmarks/sim_rate.py
	.venv/bin/python benchmarks/proxy_rate.py
	.venv/bin/python benchmarks/capacity_rate.py
	.venv/bin/python benchmarks/report_size.py
	.venv/bin/python benchmarks/store_rate.py
	.venv/bin/python benchmarks/claim_rate.py
	.venv/bin/python benchmarks/broker_disturbed.py
clean:
	rm -rf .venv build jobquake-runs
