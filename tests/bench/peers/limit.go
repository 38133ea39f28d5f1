// The AWS SDK for Go (version 2), with up to eight terminations at once. Usage: limit MAX
package main

import (
	"context"
	"log"
	"os"
	"sort"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx := context.Background()
	max, err := strconv.Atoi(os.Args[1])
	check(err)
	cfg, err := config.LoadDefaultConfig(ctx)
	check(err)
	instance := os.Getenv("AWS_SSM_INSTANCE_ID")
	if cfg.Region == "" || instance == "" {
		identity, err := imds.NewFromConfig(cfg).GetInstanceIdentityDocument(ctx, nil)
		check(err)
		cfg.Region, instance = identity.Region, identity.InstanceID
	}
	client := ssm.NewFromConfig(cfg, ssm.WithEndpointResolver(ssm.EndpointResolverFromURL(os.Getenv("AWS_ENDPOINT_URL"))))

	owners := map[string][]types.Session{}
	pages := ssm.NewDescribeSessionsPaginator(client, &ssm.DescribeSessionsInput{
		State:      types.SessionStateActive,
		MaxResults: aws.Int32(200),
		Filters:    []types.SessionFilter{{Key: types.SessionFilterKeyTargetId, Value: aws.String(instance)}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(err)
		for _, session := range page.Sessions {
			owners[*session.Owner] = append(owners[*session.Owner], session)
		}
	}

	over := make(chan *string)
	var workers sync.WaitGroup
	for i := 0; i < 8; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for id := range over {
				_, err := client.TerminateSession(ctx, &ssm.TerminateSessionInput{SessionId: id})
				check(err)
			}
		}()
	}
	for _, sessions := range owners {
		sort.Slice(sessions, func(a, b int) bool { return sessions[a].StartDate.Before(*sessions[b].StartDate) })
		for i := 0; i < len(sessions)-max; i++ {
			over <- sessions[i].SessionId
		}
	}
	close(over)
	workers.Wait()
}
