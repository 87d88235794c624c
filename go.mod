module github.com/qjpcpu/supervisord

go 1.26

require (
	github.com/BurntSushi/toml v1.6.0
	github.com/chzyer/readline v1.5.1
	github.com/rogpeppe/go-internal v1.16.0
	golang.org/x/sys v0.45.0
	gopkg.in/natefinch/lumberjack.v2 v2.2.1
)

require golang.org/x/tools v0.26.0 // indirect
