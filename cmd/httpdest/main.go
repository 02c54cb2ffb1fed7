// Command httpdest plays Adobe Experience Platform's HTTP API destination: it
// runs scenarios of profile histories and gives a verdict for every rule.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}
