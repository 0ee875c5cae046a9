// One agent of a gossip cluster: HashiCorp's own serf agent with its RPC, and the knobs of its membership opened, which
// its own command line keeps shut. Everything is said by environment variables (compose/serf.yaml).
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/logutils"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/cmd/serf/command/agent"
	"github.com/hashicorp/serf/serf"
)

const (
	gossipPort, boundaryPort = 7946, 7947
	rpcAddress               = ":7373"
	joinAgain                = 500 * time.Millisecond
)

func text(key string) string {
	value, found := os.LookupEnv(key)
	if !found {
		fail(fmt.Errorf("%s is not set", key))
	}
	return value
}

func number(key string) int {
	value, err := strconv.Atoi(text(key))
	fail(err)
	return value
}

func duration(key string) time.Duration {
	value, err := time.ParseDuration(text(key))
	fail(err)
	return value
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "serf:", err)
		os.Exit(2)
	}
}

// names gives e1, e2, ... for "e".
func names(prefix string, count int) (found []string) {
	for i := 1; i <= count; i++ {
		found = append(found, prefix+strconv.Itoa(i))
	}
	return found
}

// configuration of one pool's member. A round trip to another member is a UDP ping, then indirect ones, then TCP.
func configuration(node, federation string, port int, out *logutils.LevelFilter) *serf.Config {
	list := memberlist.DefaultLANConfig()
	list.BindPort, list.AdvertisePort = port, port
	list.ProbeInterval = duration("PROBE_INTERVAL")
	list.ProbeTimeout = duration("PROBE_TIMEOUT")
	list.IndirectChecks = number("INDIRECT_CHECKS")
	list.DisableTcpPings = text("TCP_PINGS") == "off"
	list.SuspicionMult = number("SUSPICION_MULT")
	list.RetransmitMult = number("RETRANSMIT_MULT")
	list.GossipInterval = duration("GOSSIP_INTERVAL")
	list.PushPullInterval = duration("PUSH_PULL_INTERVAL")
	list.TCPTimeout = 2 * time.Second
	conf := serf.DefaultConfig()
	conf.MemberlistConfig = list
	conf.NodeName = node
	conf.Tags = map[string]string{"dc": federation}
	conf.ReconnectInterval = duration("RECONNECT_INTERVAL")
	conf.LogOutput, list.LogOutput = out, out
	return conf
}

// join asks each of the others until one of them answers; an agent alone has nobody to ask.
func join(members *serf.Serf, others []string) {
	for len(others) > 0 {
		if joined, _ := members.Join(others, true); joined > 0 {
			return
		}
		time.Sleep(joinAgain)
	}
}

// peers of a node in its pool, each with its port: all of them, or only the first of the pool.
func peers(node string, pool []string, port int) (found []string) {
	if text("JOIN") == "first" {
		pool = pool[:1]
	}
	for _, other := range pool {
		if other != node {
			found = append(found, net.JoinHostPort(other, strconv.Itoa(port)))
		}
	}
	return found
}

func main() {
	out := &logutils.LevelFilter{
		Levels:   []logutils.LogLevel{"TRACE", "DEBUG", "INFO", "WARN", "ERR"},
		MinLevel: logutils.LogLevel(text("LOG_LEVEL")),
		Writer:   os.Stderr,
	}
	log.SetOutput(out)
	node := text("HARNESS_NODE")
	east, west := names("e", number("EAST")), names("w", number("WEST"))
	federation, pool := "east", east
	if strings.HasPrefix(node, "w") {
		federation, pool = "west", west
	}
	federated := text("FEDERATED") == "on"
	if !federated {
		pool = slices.Concat(east, west)
	}

	started, err := agent.Create(agent.DefaultConfig(), configuration(node, federation, gossipPort, out), out)
	fail(err)
	if gates := number("GATEWAYS"); federated {
		for _, gate := range pool[:min(gates, len(pool))] {
			if gate == node {
				// Concat, since to append to the first of them would write over the others: the pool's own names.
				across := slices.Concat(east[:min(gates, len(east))], west[:min(gates, len(west))])
				started.RegisterEventHandler(open(started, node, federation, across, out))
			}
		}
	}
	fail(started.Start())
	listening, err := net.Listen("tcp", rpcAddress)
	fail(err)
	agent.NewAgentIPC(started, "", listening, out, agent.NewLogWriter(64), false)
	go join(started.Serf(), peers(node, pool, gossipPort))

	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	<-asked
	if text("LEAVE") == "on" {
		fail(started.Leave())
	}
	fail(started.Shutdown())
}
