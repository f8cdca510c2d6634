"""One vendor SDK each, behind the Protocols of `workflow.contract.ports`."""
