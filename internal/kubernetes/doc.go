// Package kubernetes lets the pods of an Indexed Job begin together: by what the engine knows of the Job already, its count of
// ready pods and one annotation. A pod asks with its service account, which needs get and patch on this one Job, and nothing else.
//
// Source: the API conventions and batch/v1 of Kubernetes 1.24 and later (JobStatus.ready).
package kubernetes
